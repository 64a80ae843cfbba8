/*
 * Arithmetic whose results stay in registers from call to call: sums of products in XMM7, the number of steps in
 * ST(0). The compiler uses neither unit in programs (-mgeneral-regs-only), so nobody but another process can
 * change them. All values are integers below 2^53, so that both units and any machine give the same.
 */
#pragma once
#include "types.h"

void floating_point_begin(uint32_t value);
void floating_point_step(void);
/* Of what the registers hold now. */
uint32_t floating_point_sum(void);
