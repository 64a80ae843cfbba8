/** Sets one published figure beside the model's, and says how far they are apart. */
import type { Experiment } from "../../host/experiments/experiment.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { findFigure, PUBLISHED_FIGURES } from "./published-figures.js";

const PARAMETERS = {
  figure: {
    kind: "choice",
    default: PUBLISHED_FIGURES[0]!.id,
    choices: PUBLISHED_FIGURES.map(({ id }) => id),
    description: "Which published figure; the technique is the one that it speaks of.",
  },
} as const satisfies ParameterSpecs;

export const PUBLISHED: Experiment = {
  name: "host/published",
  title: "Published figures",
  description: "A published figure, the model's value for the same configuration, and the deviation.",
  source: "the publications that the rows name",
  parameters: PARAMETERS,
  refusal: ({ technology, parameters }) => {
    const figure = findFigure(parameters["figure"] as string)!;
    return technology.name === figure.technology
      ? undefined
      : `${figure.id} is of ${figure.technology}, not of ${technology.name}`;
  },
  run: (setting) => {
    const { value, unit, source, isFitted, model } = findFigure(setting.parameters["figure"] as string)!;
    const modelled = model(setting);
    return {
      published: value,
      modelled,
      deviation: modelled / value - 1,
      figure_unit: unit,
      is_fitted: isFitted ? "yes" : "no",
      publication: source,
    };
  },
};
