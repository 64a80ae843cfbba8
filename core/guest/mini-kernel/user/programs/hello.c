/* Says so, and what it was called with. */
#include "library.h"

int main(int count, char **words) {
  print("hello");
  for (int i = 1; i < count; i++) print(" "), print(words[i]);
  print("\n");
  return 0;
}
