/*
 * Where Xen starts the kernel: paging is on, segments are flat, (E|R)SI has the linear address of start_info.
 * And the page that Xen fills with hypercalls, 32 bytes each.
 */
        .text
        .globl xen_start
xen_start:
        cld
#ifdef __x86_64__
        movq    $boot_stack_top, %rsp
        movq    %rsi, %rdi
        call    xen_main
#else
        movl    $boot_stack_top, %esp
        pushl   %esi
        call    xen_main
#endif
        ud2

        .balign 4096
        .globl hypercall_page
hypercall_page:
        .skip   4096
