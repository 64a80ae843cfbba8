/* Programs that are linked when they begin, and the libraries that they are linked with. */
#pragma once
#include "types.h"

#define LIBRARIES_MOST 3

/* Makes files of so many libraries. */
void make_libraries(uint32_t count);
/* Does what a dynamic linker does with them before a program's first line. */
void link_libraries(uint32_t count);
/* As the argument of a program says: a number, if there is one. */
void link_as_told(int count, char **words);
