/** Seeded questions at the end of a notebook: another seed asks about other numbers, and answers come on request. */
import { Random } from "../util/random.js";
import { Exhibit } from "./exhibit.js";
import type { MimeBundle } from "./kernel.js";

export interface Exercise {
  /** Markdown, as is the answer. */
  readonly question: string;
  readonly answer: string;
}

/** Chance for those who write questions. */
export interface Draw {
  pick<T>(choices: readonly T[]): T;
  /** A whole number, both ends included. */
  whole(least: number, most: number): number;
}

export class Exercises extends Exhibit {
  readonly caption: string;

  constructor(
    readonly list: readonly Exercise[],
    private readonly seed: number,
    private readonly isSolved: boolean,
  ) {
    super();
    this.caption = `${list.length} exercises`;
  }

  bundle(): MimeBundle {
    const asked = this.list.map(({ question, answer }, index) =>
      [
        `**${index + 1}.** ${question}`,
        ...(this.isSolved ? [`> ${answer.replaceAll("\n", "\n> ")}`] : []),
      ].join("\n\n"),
    );
    const how = `*Seed ${this.seed}: another seed asks about other numbers.${this.isSolved ? "" : " `answers: true` shows the answers."}*`;
    const text = [...asked, how].join("\n\n");
    return { data: { "text/markdown": text, "text/plain": text }, metadata: {} };
  }
}

/**
 * @param make the questions, drawn from the seed; answers are always computed, so that one that fails is noticed
 * @param settings `answers: true` shows them
 */
export function exercises(
  settings: { readonly seed: number; readonly answers?: boolean },
  make: (draw: Draw) => readonly Exercise[],
): Exercises {
  const random = new Random(settings.seed).fork("exercises");
  const draw: Draw = {
    pick: (choices) => choices[random.below(choices.length)]!,
    whole: (least, most) => least + random.below(most - least + 1),
  };
  return new Exercises(make(draw), settings.seed, settings.answers ?? false);
}
