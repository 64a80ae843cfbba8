/** virtlab itself. */

export const virtlab = {
  name: "virtlab",
  title: "virtlab",
  /** Until there is a command that runs an image with the guest's serial port on the standard output. */
  unavailable: () => "it has no command that runs an image yet",
  command: () => {
    throw new Error("unavailable");
  },
};
