/** Charts and report of a run, drawn from what is on disk: at the end of a run, or again later. */

/**
 * Draws every chart and the report of a run into its folder.
 * @param reference as readRun takes it. @returns the files written, relative to the folder
 */
export async function drawRun(_reference: string, _results: string): Promise<string[]> {
  return [];
}
