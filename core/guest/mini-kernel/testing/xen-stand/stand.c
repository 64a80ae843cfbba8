/*
 * A stand in which the kernel's Xen port runs: starts it as Xen starts a guest, with the memory layout of
 * xen.h, and does what it asks for. No hypervisor: it trusts the guest, and stops when that does what the
 * port says it never does. The kernel is the first module; its command line is the stand's.
 */
#include "instructions.h"
#include "stand.h"

struct guest guest;
struct shared_info shared __attribute__((aligned(PAGE_BYTES)));

/* ---- Printing and the end. ---- */

void stand_print(const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) out8(0x3f8, (uint8_t)bytes[i]);
}

static void print(const char *text) {
  for (; *text != 0; text++) stand_print(text, 1);
}

_Noreturn void stand_end(const char *reason, uintptr_t value) {
  print("stand: ");
  print(reason);
  print(" ");
  for (int shift = 8 * sizeof value - 4; shift >= 0; shift -= 4)
    stand_print(&"0123456789abcdef"[value >> shift & 15], 1);
  print("\n");
  out32(0xf4, 9);
  for (;;) __asm__ volatile("cli\n\thlt");
}

/* ---- What the loader told. ---- */

struct loaded {
  const uint8_t *kernel;
  const char *command_line;
};

static struct loaded read_information(uintptr_t information) {
#ifdef __x86_64__
  const struct {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line;
  } *start = machine_memory(information);
  if (start->modules == 0) stand_end("there is no kernel", 0);
  const uint64_t *module = machine_memory(start->module_list);
  return (struct loaded){machine_memory(module[0]), machine_memory(start->command_line)};
#else
  const struct {
    uint32_t flags, lower, upper, device, command_line, modules, module_list;
  } *start = machine_memory(information);
  if (!(start->flags & 8) || start->modules == 0) stand_end("there is no kernel", 0);
  const uint32_t *module = machine_memory(start->module_list);
  return (struct loaded){machine_memory(module[0]), machine_memory(start->command_line)};
#endif
}

/* ---- The kernel: segments, and the notes that say where it begins. ---- */

struct elf_header {
  uint8_t identification[16];
  uint16_t type, machine;
  uint32_t version;
  uintptr_t entry, segments, sections;
  uint32_t flags;
  uint16_t header_bytes, segment_bytes, segment_count;
};
#ifdef __x86_64__
struct elf_segment {
  uint32_t type, flags;
  uintptr_t offset, address, physical, file_bytes, memory_bytes, alignment;
};
#else
struct elf_segment {
  uint32_t type;
  uintptr_t offset, address, physical, file_bytes, memory_bytes;
  uint32_t flags, alignment;
};
#endif
#define SEGMENT_LOAD 1
#define SEGMENT_NOTES 4
#define NOTE_ENTRY 1
#define NOTE_HYPERCALL_PAGE 2

static uintptr_t entry, hypercall_page, image_end;

static uint8_t *guest_memory(uintptr_t physical) {
  return machine_memory(((uint64_t)GUEST_FIRST_FRAME << PAGE_SHIFT) + physical);
}

static void read_notes(const uint8_t *notes, uintptr_t bytes) {
  for (const uint32_t *note = (const uint32_t *)notes; (const uint8_t *)note < notes + bytes;) {
    uintptr_t value = *(const uintptr_t *)(note + 4);
    if (note[2] == NOTE_ENTRY) entry = value;
    if (note[2] == NOTE_HYPERCALL_PAGE) hypercall_page = value;
    note += 3 + (note[0] + 3) / 4 + (note[1] + 3) / 4;
  }
}

static void load_kernel(const uint8_t *file) {
  const struct elf_header *header = (const struct elf_header *)file;
  const struct elf_segment *segments = (const struct elf_segment *)(file + header->segments);
  for (unsigned i = 0; i < header->segment_count; i++) {
    if (segments[i].type == SEGMENT_NOTES) read_notes(file + segments[i].offset, segments[i].file_bytes);
    if (segments[i].type != SEGMENT_LOAD) continue;
    for (uintptr_t at = 0; at < segments[i].memory_bytes; at++)
      guest_memory(segments[i].physical)[at] =
          at < segments[i].file_bytes ? file[segments[i].offset + at] : 0;
    image_end = page_up(segments[i].physical + segments[i].memory_bytes);
  }
}

static void fill_hypercall_page(uint8_t *page) {
  for (unsigned number = 0; number < PAGE_BYTES / HYPERCALL_BYTES; number++) {
    uint8_t *code = page + number * HYPERCALL_BYTES;
#ifdef __x86_64__
    const uint8_t call[] = {0x51, 0x41, 0x53, 0xb8, (uint8_t)number, 0, 0, 0, 0x0f, 0x05,
                            0x41, 0x5b, 0x59, 0xc3};
    const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, IRET, 0, 0, 0, 0x0f, 0x05};
#else
    const uint8_t call[] = {0xb8, (uint8_t)number, 0, 0, 0, 0xcd, VECTOR_HYPERCALL, 0xc3};
    const uint8_t iret[] = {0x50, 0xb8, IRET, 0, 0, 0, 0xcd, VECTOR_HYPERCALL};
#endif
    const uint8_t *from = number == IRET ? iret : call;
    for (unsigned i = 0; i < (number == IRET ? sizeof iret : sizeof call); i++) code[i] = from[i];
  }
}

/* ---- The start. ---- */

#define SPARE_FRAMES 128 /* 512 KiB behind the stack are mapped */

static void fill_translation(void) {
  word *table = machine_memory(TRANSLATION_PHYSICAL);
  for (word frame = 0; frame < MACHINE_FRAMES; frame++) table[frame] = frame - GUEST_FIRST_FRAME;
}

static void start_devices(void) {
  static const uint16_t writes[][2] = {
      {0x20, 0x11},           {0x21, VECTOR_IRQ},  {0x21, 4},         {0x21, 1},    {0xa0, 0x11},
      {0xa1, VECTOR_IRQ + 8}, {0xa1, 2},           {0xa1, 1},         {0x21, 0xfa}, {0xa1, 0xbf},
      {0x43, 0x34},           {0x40, 1193 & 0xff}, {0x40, 1193 >> 8},
  };
  for (unsigned i = 0; i < sizeof writes / sizeof *writes; i++) out8(writes[i][0], (uint8_t)writes[i][1]);
}

_Noreturn void stand_main(uintptr_t information);
_Noreturn void stand_main(uintptr_t information) {
  struct loaded loaded = read_information(information);
  load_kernel(loaded.kernel);
  fill_hypercall_page(guest_memory(hypercall_page - GUEST_BASE));
  fill_translation();

  uintptr_t list = image_end, start = list + page_up(GUEST_FRAMES * sizeof(word)),
            tables = start + PAGE_BYTES;
  for (word frame = 0; frame < GUEST_FRAMES; frame++)
    ((word *)guest_memory(list))[frame] = GUEST_FIRST_FRAME + frame;
  uint64_t first_table = GUEST_FIRST_FRAME + (tables >> PAGE_SHIFT), next = first_table, top;
  /* As many tables as lowest ones are needed, and those above them; the stack; some spare memory. */
  const uint64_t table_frames = 12;
  uint64_t stack = first_table + table_frames;
  for (uintptr_t at = tables; at < tables + (table_frames + 1) * PAGE_BYTES; at++) *guest_memory(at) = 0;
  tables_build(&top, &next, first_table, stack + 1 + SPARE_FRAMES);
  if (next > stack) stand_end("too many tables", 0);

  struct xen_start_info *info = (struct xen_start_info *)guest_memory(start);
  for (unsigned i = 0; i < PAGE_BYTES; i++) ((uint8_t *)info)[i] = 0;
  info->pages = GUEST_FRAMES;
  info->shared_info = (uintptr_t)&shared - STAND_BASE;
  info->page_table = GUEST_BASE + tables;
  info->page_table_frames = (word)table_frames;
  info->frame_list = GUEST_BASE + list;
  for (unsigned i = 0; i + 1 < sizeof info->command_line && loaded.command_line[i] != 0; i++)
    info->command_line[i] = loaded.command_line[i];

  shared.vcpus[0].upcall_mask = 1;
  shared.vcpus[0].time.tsc_to_system_mul = 1u << 31; /* a nanosecond a cycle */
  shared.vcpus[0].time.tsc_shift = 1;
  for (unsigned i = 0; i < WORD_BITS; i++) shared.event_mask[i] = (word)-1;
  guest.kernel_space = top << PAGE_SHIFT;
  guest.is_in_kernel = true;
  traps_start();
  floating_point_start();
  start_devices();
  space_load(guest.kernel_space);

  static struct trap_frame frame;
  frame = (struct trap_frame){
      .ip = entry,
      .cs = FLAT_KERNEL_CS,
      .flags = FLAGS_FIXED | FLAGS_INTERRUPT | (LEVELS == 4 ? 0x3000 : 0x1000),
      .sp = GUEST_BASE + ((uintptr_t)(stack + 1 - GUEST_FIRST_FRAME) << PAGE_SHIFT),
      .ss = FLAT_KERNEL_SS,
      .si = GUEST_BASE + start,
#ifndef __x86_64__
      .ds = FLAT_KERNEL_SS,
      .es = FLAT_KERNEL_SS,
#endif
  };
  stand_enter(&frame);
}
