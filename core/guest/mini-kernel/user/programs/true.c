/* Does nothing, well. */
#include "library.h"

int main(void) { return 0; }
