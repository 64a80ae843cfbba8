/*
 * The first C of a bare machine: what a multiboot loader (specification 0.6.96, section 3.3) or a PVH loader
 * (Xen, public/arch-x86/hvm/start_info.h) tells, brought into one form. Low memory is still mapped at address
 * 0.
 */
#include "memory.h"
#include "port.h"

#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define MULTIBOOT_HAS_MEMORY 0x1
#define MULTIBOOT_HAS_COMMAND_LINE 0x4
struct multiboot_information {
  uint32_t flags;
  uint32_t lower_kibibytes;
  uint32_t upper_kibibytes; /* from 1 MiB to the first hole */
  uint32_t boot_device;
  uint32_t command_line;
};

#define START_INFO_MAGIC 0x336ec578
#define MEMORY_USABLE 1
struct start_information {
  uint32_t magic, version, flags, modules;
  uint64_t module_list, command_line, rsdp, memory_map;
  uint32_t memory_map_entries, reserved;
};
struct memory_map_entry {
  uint64_t address, size;
  uint32_t type, reserved;
};

#define COMMAND_LINE_BYTES 512
static char command_line[COMMAND_LINE_BYTES]; /* a copy: the loader's may lie where memory is given away */
extern char image_end[];

static void keep_command_line(uintptr_t physical) {
  const char *text = (const char *)physical;
  for (size_t i = 0; i + 1 < sizeof command_line && text[i] != 0; i++) command_line[i] = text[i];
}

static uint64_t read_multiboot(const struct multiboot_information *information) {
  if (information->flags & MULTIBOOT_HAS_COMMAND_LINE) keep_command_line(information->command_line);
  if (!(information->flags & MULTIBOOT_HAS_MEMORY)) return 0;
  return KERNEL_PHYSICAL + ((uint64_t)information->upper_kibibytes << 10);
}

static uint64_t read_start_information(const struct start_information *information) {
  if (information->command_line != 0) keep_command_line((uintptr_t)information->command_line);
  const struct memory_map_entry *map = (const struct memory_map_entry *)(uintptr_t)information->memory_map;
  for (uint32_t i = 0; i < information->memory_map_entries; i++) {
    uint64_t end = map[i].address + map[i].size;
    if (map[i].type == MEMORY_USABLE && map[i].address <= KERNEL_PHYSICAL && end > KERNEL_PHYSICAL)
      return end;
  }
  return 0;
}

_Noreturn void native_start(uint32_t magic, uintptr_t information) {
  struct boot_information boot = {
      .command_line = command_line,
      .first_frame = frame_of(image_end),
  };
  if (magic == MULTIBOOT_LOADER_MAGIC) boot.memory_bytes = read_multiboot((const void *)information);
  else if (*(const uint32_t *)information == START_INFO_MAGIC)
    boot.memory_bytes = read_start_information((const void *)information);
  kernel_main(&native_port, &boot);
}
