/* What the trap stubs of either width have in common; traps.c relies on it. */
#define VECTORS 64 /* with a stub; the manual's 32 exceptions, then 32 for interrupts */
#define TRAP_STUB_BYTES 16
/* Vectors for which the processor pushes an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC (SDM 3A, 6.13). */
#define PUSHES_ERROR(vector) (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
