/*
 * What remains of a shell: runs the command in its arguments and waits for it. A number before the command says
 * with how many libraries the shell is linked.
 */
#include "library.h"
#include "link.h"

int main(int count, char **words) {
  uint32_t status, libraries;
  link_as_told(count, words);
  const int first = count > 1 && read_number(words[1], &libraries) ? 2 : 1;
  if (count <= first) return 2;
  intptr_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    execute(words[first], (const char *const *)words + first);
    exit(127); /* there is no such command, as shells say it */
  }
  wait(&status);
  return (int)status;
}
