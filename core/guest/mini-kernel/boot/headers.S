/*
 * By which loaders know the image: the header of Multiboot 1 (specification 0.6.96, section 3.1.1; 32-bit
 * image alone, as its loaders take no other ELF files) and Xen's notes (public/elfnote.h), of which
 * PHYS32_ENTRY is PVH's.
 */
#include "layout.h"

#ifndef __x86_64__
#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_WANT_MEMORY 0x2
        .section .multiboot, "a"
        .balign 4
        .long MULTIBOOT_HEADER_MAGIC
        .long MULTIBOOT_WANT_MEMORY
        .long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_WANT_MEMORY)
#endif

#define XEN_ELFNOTE_ENTRY 1
#define XEN_ELFNOTE_HYPERCALL_PAGE 2
#define XEN_ELFNOTE_VIRT_BASE 3
#define XEN_ELFNOTE_PADDR_OFFSET 4
#define XEN_ELFNOTE_XEN_VERSION 5
#define XEN_ELFNOTE_GUEST_OS 6
#define XEN_ELFNOTE_LOADER 8
#define XEN_ELFNOTE_PAE_MODE 9
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#ifdef __x86_64__
#define WORD .quad
#define WORD_BYTES 8
#else
#define WORD .long
#define WORD_BYTES 4
#endif

        .macro note_head type, bytes
        .balign 4
        .long   4, \bytes, \type
        .asciz  "Xen"
        .endm
        .macro note_word type, value
        note_head \type, WORD_BYTES
        WORD    \value
        .endm
        .macro note_text type, text
        note_head \type, "2f - 1f"
1:      .asciz  "\text"
2:
        .endm

        .section .notes, "a"
        note_word XEN_ELFNOTE_PHYS32_ENTRY, start_physical
        note_word XEN_ELFNOTE_ENTRY, xen_start
        note_word XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page
        note_word XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE
        note_word XEN_ELFNOTE_PADDR_OFFSET, KERNEL_BASE
        note_text XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
        note_text XEN_ELFNOTE_GUEST_OS, "virtlab mini-kernel"
        note_text XEN_ELFNOTE_LOADER, "generic"
        note_text XEN_ELFNOTE_PAE_MODE, "yes"
        .balign 4
