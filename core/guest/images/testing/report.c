/*
 * A kernel that prints on the first serial port what its loader told it, one fact a line, and leaves through the debug-exit
 * port. Built by compiled.test.ts for three protocols: -DMULTIBOOT, -DPVH, or neither (the lab's own convention, where
 * _start is a C function).
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum { SERIAL = 0x3f8, DEBUG_EXIT = 0xf4 };

static void out(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

static void print(const char *text) {
  while (*text != 0) out(SERIAL, *text++);
}

static void print_hex(u64 value) {
  char digits[17];
  int at = 16;
  digits[16] = 0;
  do digits[--at] = "0123456789abcdef"[value & 15];
  while ((value >>= 4) != 0);
  print(digits + at);
}

static void line(const char *name, u64 value) {
  print(name);
  out(SERIAL, '=');
  print_hex(value);
  out(SERIAL, '\n');
}

static void text_line(const char *name, const char *value) {
  print(name);
  out(SERIAL, '=');
  print(value);
  out(SERIAL, '\n');
}

static void module(const char *name, u64 start, u64 length) {
  u32 sum = 0;
  for (u64 i = 0; i < length; i++) sum += ((const u8 *)(unsigned long)start)[i];
  text_line("module", name);
  line("length", length);
  line("sum", sum);
  line("aligned", (start & 4095) == 0);
}

static void range(u64 base, u64 length, u32 type) {
  if (type != 1) return;
  line("ram", base);
  line("to", base + length);
}

/* Initialised data, zeroed data and a pointer that needs relocation show whether the image was loaded right. */
static volatile u32 initialised = 0x600dda7a;
static volatile u32 zeroed[5000];
static const char *volatile pointer = "relocated";

static void check_image(void) {
  line("initialised", initialised);
  line("zeroed", zeroed[0] + zeroed[4999]);
  text_line("pointer", pointer);
}

__attribute__((noreturn)) static void leave(void) {
  out(DEBUG_EXIT, 0);
  for (;;) __asm__ volatile("cli; hlt");
}

#ifdef MULTIBOOT
struct multiboot_module { u32 start, end, string, reserved; };
struct multiboot_range { u32 size; u64 base, length; u32 type; } __attribute__((packed));
struct multiboot_info {
  u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
};

__attribute__((used)) void report(u32 magic, const struct multiboot_info *info) {
  line("magic", magic);
  line("flags", info->flags & 0x4d); /* sizes, command line, modules, memory map */
  line("lower", info->mem_lower);
  text_line("append", (const char *)info->cmdline);
  const struct multiboot_module *modules = (const void *)info->mods_addr;
  for (u32 i = 0; i < info->mods_count; i++)
    module((const char *)modules[i].string, modules[i].start, modules[i].end - modules[i].start);
  for (u32 at = info->mmap_addr; at < info->mmap_addr + info->mmap_length;) {
    const struct multiboot_range *entry = (const void *)at;
    range(entry->base, entry->length, entry->type);
    at += entry->size + 4;
  }
  check_image();
  leave();
}

__asm__(".section .multiboot, \"a\"\n"
        ".balign 4\n"
        ".long 0x1badb002, 3, -(0x1badb002 + 3)\n"
        ".text\n"
        ".globl _start\n"
        "_start: mov $stack_end, %esp\n"
        "  push %ebx\n"
        "  push %eax\n"
        "  call report\n"
        ".bss\n"
        ".skip 4096\n"
        "stack_end:\n"
        ".text\n");
#else
struct start_info {
  u32 magic, version, flags, modules;
  u64 module_list, command_line, rsdp, memory_map;
  u32 ranges, reserved;
};
struct start_module { u64 start, length, string, reserved; };
struct start_range { u64 base, length; u32 type, reserved; };

static void report_start(const struct start_info *info, const char *append) {
  line("magic", info->magic);
  line("version", info->version);
  text_line("append", append);
  const struct start_module *modules = (const void *)(unsigned long)info->module_list;
  for (u32 i = 0; i < info->modules; i++)
    module((const char *)(unsigned long)modules[i].string, modules[i].start, modules[i].length);
  const struct start_range *ranges = (const void *)(unsigned long)info->memory_map;
  for (u32 i = 0; i < info->ranges; i++) range(ranges[i].base, ranges[i].length, ranges[i].type);
  check_image();
  leave();
}

#ifdef PVH
__attribute__((used)) void report(const struct start_info *info) {
  report_start(info, (const char *)(unsigned long)info->command_line);
}

__asm__(".pushsection .note.pvh, \"a\", @note\n"
        ".balign 4\n"
        ".long 4, 4, 18\n"
        ".asciz \"Xen\"\n"
        ".long pvh_start\n"
        ".popsection\n"
        ".globl pvh_start\n"
        "pvh_start: mov $stack_end, %esp\n"
        "  push %ebx\n"
        "  call report\n"
        ".globl _start\n"
        "_start: hlt\n"
        ".bss\n"
        ".skip 4096\n"
        "stack_end:\n"
        ".text\n");
#else
/* Uses SSE, so that the control registers are tried too. */
static volatile double third = 3;
void _start(const struct start_info *info, const char *append) {
  line("double", (u64)(12.0 / third) == 4);
  line("arguments", (u64)(info != 0));
  report_start(info, append);
}
#endif
#endif
