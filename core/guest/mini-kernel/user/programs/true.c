/* Does nothing, well; linked with as many libraries as its argument says. */
#include "link.h"

int main(int count, char **words) {
  link_as_told(count, words);
  return 0;
}
