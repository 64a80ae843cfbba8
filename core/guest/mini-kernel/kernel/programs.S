/*
 * The user's programs, as files that the ram file system begins with: pages of the image. The build says
 * where they are (-I).
 */
        .section .programs, "aw"
        .macro program name
        .balign 4096
program_\name:
        .incbin "\name"
program_\name\()_end:
        .endm
        program true
        program hello
        program sh
        program selftest
        program cc
        program bench
        .balign 4096

#ifdef __x86_64__
#define WORD .quad
#else
#define WORD .long
#endif
        .macro entry name
        .section .rodata.names, "a"
1:      .asciz  "/\name"
        .section .data.programs, "aw"
        WORD    1b, program_\name, program_\name\()_end
        .endm
        .section .data.programs, "aw"
        .balign 8
        .globl programs, programs_end
programs:
        entry true
        entry hello
        entry sh
        entry selftest
        entry cc
        entry bench
programs_end:
