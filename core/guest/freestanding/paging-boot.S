/* For assembly that turns paging on in 32-bit protected mode (SDM 3A, 4.1.2 and 9.8.5). All change EAX. */
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LME 0x100
#define LARGE_PAGE_BYTES 0x200000
#define ENTRIES 512

        /* A page directory at EDI that maps the first GiB by pages of 2 MiB; `flags` of each. Changes ECX and EDI. */
        .macro map_first_gib flags
        movl    $\flags, %eax
        movl    $ENTRIES, %ecx
1:      movl    %eax, (%edi)
        addl    $LARGE_PAGE_BYTES, %eax
        addl    $8, %edi
        decl    %ecx
        jnz     1b
        .endm

        /* Sets bits of a control register. */
        .macro set_bits register, bits
        movl    %\register, %eax
        orl     $\bits, %eax
        movl    %eax, %\register
        .endm

        /* The same for EFER. Changes ECX and EDX. */
        .macro set_efer bits
        movl    $EFER, %ecx
        rdmsr
        orl     $\bits, %eax
        wrmsr
        .endm
