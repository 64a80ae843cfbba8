/*
 * A boot sector that plays a multiboot loader, for emulators that boot only from a disk. The disk: this sector, a sector
 * with the command line, then the flat image from its load address to the end of its file contents. boot-disk.mjs makes
 * such a disk and fills in the three words named `disk_…`.
 *
 * It reads the image below 640 KiB by INT 13h (Enhanced Disk Drive Specification, function 42h), enters protected mode,
 * moves it up, and jumps to its entry as the Multiboot Specification 0.6.96, section 3.2, says.
 *
 *   gcc -m32 -c boot-sector.S && ld -m elf_i386 -Ttext 0x7c00 --oformat binary
 */
#define BOOT_ADDRESS 0x7c00
#define INFORMATION 0x500               /* struct of the Multiboot Specification, 3.3: flags, lower, upper, … */
#define INFORMATION_LOWER 0x504
#define INFORMATION_UPPER 0x508
#define INFORMATION_COMMAND_LINE 0x510
#define HAS_MEMORY_AND_COMMAND_LINE 0x5
#define LOADER_MAGIC 0x2badb002
#define COMMAND_LINE 0x600
#define BUFFER_SEGMENT 0x1000           /* 0x10000 ‥ 0x90000: 1,024 sectors */
#define SECTOR_PARAGRAPHS 32
#define PORT_A20 0x92                   /* bit 1: address line 20 is on */
#define LOWER_KIBIBYTES 640

        .code16
        .text
        .globl _start
_start: ljmp    $0, $1f
1:      cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $BOOT_ADDRESS, %sp
        sti
        cld

        /* the command line, then the image, sector by sector; DL is still the drive */
        call    read
        movw    $BUFFER_SEGMENT, packet_segment
        movw    $0, packet_offset
        movw    disk_sectors, %cx
2:      call    read
        addw    $SECTOR_PARAGRAPHS, packet_segment
        loop    2b

        /* memory above 1 MiB: KiB up to 16 MiB in CX, 64 KiB pieces beyond in DX (INT 15h, AX = E801h) */
        movw    $0xe801, %ax
        xorw    %cx, %cx
        xorw    %dx, %dx
        int     $0x15
        cli
        movzwl  %cx, %ecx
        movzwl  %dx, %edx
        shll    $6, %edx
        addl    %ecx, %edx
        movl    %edx, INFORMATION_UPPER
        movl    $LOWER_KIBIBYTES, INFORMATION_LOWER
        movl    $HAS_MEMORY_AND_COMMAND_LINE, INFORMATION
        movl    $COMMAND_LINE, INFORMATION_COMMAND_LINE

        inb     $PORT_A20, %al
        orb     $2, %al
        andb    $0xfe, %al              /* bit 0 would reset the machine */
        outb    %al, $PORT_A20
        lgdtl   descriptors_pointer
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $0x08, $protected

/* Reads the next sector to where the packet points. */
read:   movb    $0x42, %ah
        movw    $packet, %si
        int     $0x13
        jc      stop
        incl    packet_sector
        ret
stop:   hlt
        jmp     stop

        .code32
protected:
        movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movl    $BUFFER_SEGMENT << 4, %esi
        movl    disk_load_address, %edi
        movzwl  disk_sectors, %ecx
        shll    $7, %ecx                /* words in a sector: 128 */
        rep movsl
        movl    $LOADER_MAGIC, %eax
        movl    $INFORMATION, %ebx
        jmp     *disk_entry

        .balign 4
packet: .byte   16, 0
        .word   1                       /* one sector */
packet_offset:
        .word   COMMAND_LINE
packet_segment:
        .word   0
packet_sector:
        .quad   1

        .balign 8
descriptors:
        .quad   0
        .quad   0x00cf9b000000ffff      /* flat code */
        .quad   0x00cf93000000ffff      /* flat data */
descriptors_pointer:
        .word   . - descriptors - 1
        .long   descriptors

        .org    0x1f0
disk_load_address:
        .long   0
disk_entry:
        .long   0
disk_sectors:
        .word   0
        .org    0x1fe
        .word   0xaa55
