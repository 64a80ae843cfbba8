/**
 * What a person sees while a scenario runs, on stderr: on a terminal one line that is redrawn (done, rate, time left, the
 * cell at work); elsewhere a plain line for each finished cell.
 */
import type { LabEvent } from "../lab/run.js";
import { shownPath } from "../results/index.js";
import * as messages from "./messages.js";
import type { Style, Terminal } from "./terminal.js";

const REDRAW_MS = 250;
const STATUS_STYLE: Readonly<Record<string, Style>> = { done: "green", failed: "red", unsupported: "yellow" };

export interface Progress {
  event(event: LabEvent): void;
  /** Clears what is still drawn. */
  end(): void;
}

export const SILENT: Progress = { event: () => {}, end: () => {} };

/** @param now milliseconds from any origin. */
export function progressOn(terminal: Terminal, now: () => number = () => performance.now()): Progress {
  return terminal.isLive ? liveProgress(terminal, now) : plainProgress(terminal);
}

function plainProgress(terminal: Terminal): Progress {
  return {
    event: (event) => {
      if (event.kind === "finished") terminal.note(finishedLine(event, terminal));
      else if (event.kind === "timing") terminal.note(messages.timing(event.cell.id));
      else noteOnce(event, terminal);
    },
    end: () => {},
  };
}

function liveProgress(terminal: Terminal, now: () => number): Progress {
  const running = new Set<string>();
  const began = now();
  let [before, done, total] = [0, 0, 0];
  let doing = "";
  const draw = (): void => {
    const state = { done, total, finished: done - before, seconds: (now() - began) / 1000 };
    const cell = doing === "" ? ([...running].at(-1) ?? "") : doing;
    terminal.redraw(progressLine(state, cell).slice(0, terminal.columns - 1));
  };
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  return {
    event: (event) => {
      switch (event.kind) {
        case "folder":
          [before, done, total] = [event.done, event.done, event.total];
          break;
        case "started":
          running.add(event.cell.id);
          return;
        case "finished":
          running.delete(event.cell.id);
          done = event.done;
          if (event.outcome.status === "failed") {
            terminal.redraw("");
            terminal.note(finishedLine(event, terminal));
          }
          break;
        case "timing":
          doing = messages.timing(event.cell.id);
          break;
        case "drawing":
          doing = messages.drawing;
          break;
      }
      terminal.redraw("");
      noteOnce(event, terminal);
      draw();
    },
    end: () => {
      clearInterval(timer);
      terminal.redraw("");
    },
  };
}

/** ` 12/40  3.1 cells/s  9 s left  technique=native …`. Nothing is promised before a cell has finished. */
export function progressLine(
  state: { done: number; total: number; finished: number; seconds: number },
  cell: string,
): string {
  const { done, total, finished, seconds } = state;
  const parts = [`${String(done).padStart(String(total).length)}/${total}`];
  if (finished > 0 && seconds > 0) {
    const rate = finished / seconds;
    parts.push(`${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)} cells/s`);
    if (done < total) parts.push(`${duration((total - done) / rate)} left`);
  }
  if (cell !== "") parts.push(cell);
  return parts.join("  ");
}

/** 0.4 → "0.4 s", 75 → "1 min 15 s", 7300 → "2 h 2 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function finishedLine(event: LabEvent & { kind: "finished" }, { paintNote }: Terminal): string {
  const { cell, outcome, host, done, total } = event;
  const counter = `[${String(done).padStart(String(total).length)}/${total}]`;
  const why = outcome.status === "done" ? duration(host.seconds) : outcome.reason;
  return `${counter} ${paintNote(STATUS_STYLE[outcome.status]!, outcome.status)}  ${cell.id}  ${why}`;
}

function noteOnce(event: LabEvent, terminal: Terminal): void {
  if (event.kind === "folder" && event.done > 0) {
    terminal.note(messages.resuming(shownPath(event.path), event.done, event.total));
  } else if (event.kind === "timing-failed") {
    terminal.note(messages.timingFailed(event.cell.id, event.reason));
  }
}
