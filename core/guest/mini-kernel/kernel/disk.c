/*
 * The first IDE disk (ATA-4; Intel 82371SB data sheet for bus mastering): sectors by programmed I/O, or by
 * DMA, whose end is an interrupt that the reader sleeps for. One transfer at a time. "/dev/disk" transfers by
 * DMA where there is a bus master, "/dev/disk-pio" never.
 */
#include "console.h"
#include "file.h"
#include "instructions.h"
#include "process.h"

#define SECTOR_BYTES 512u
#define IRQ_DISK 14

#define ATA_DATA 0x1f0
#define ATA_SECTOR_COUNT 0x1f2
#define ATA_ADDRESS_LOW 0x1f3
#define ATA_ADDRESS_MIDDLE 0x1f4
#define ATA_ADDRESS_HIGH 0x1f5
#define ATA_DRIVE 0x1f6
#define ATA_COMMAND 0x1f7
#define ATA_STATUS 0x1f7
#define ATA_CONTROL 0x3f6
#define ATA_DRIVE_LBA 0xe0
#define ATA_CONTROL_NO_INTERRUPT 0x02
#define STATUS_BUSY 0x80
#define STATUS_READY 0x40
#define STATUS_DATA_REQUEST 0x08
#define STATUS_ERROR 0x01
#define NO_DEVICE 0xff
#define COMMAND_READ 0x20
#define COMMAND_WRITE 0x30
#define COMMAND_READ_DMA 0xc8
#define COMMAND_WRITE_DMA 0xca
#define COMMAND_IDENTIFY 0xec
#define IDENTIFY_SECTORS 60 /* words: sectors by 28-bit address */

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE 0x80000000u
#define PCI_IDE_FUNCTION (1u << 11 | 1u << 8) /* device 1, function 1 of bus 0 */
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO_AND_MASTER 0x5
#define PCI_CLASS 0x08
#define PCI_CLASS_IDE 0x0101
#define PCI_BAR_4 0x20
#define BAR_IO_MASK 0xfffcu
#define MASTER_BASE 0xc000 /* where QEMU's firmware puts it */

#define MASTER_COMMAND 0
#define MASTER_STATUS 2
#define MASTER_TABLE 4
#define MASTER_START 0x01
#define MASTER_TO_MEMORY 0x08
#define MASTER_INTERRUPT 0x04
#define MASTER_ERROR 0x02
#define DESCRIPTOR_LAST 0x80000000u

static uint32_t sectors;
static uint16_t master; /* port of the bus master; 0: none */
static struct { uint32_t address, bytes; } descriptor __attribute__((aligned(16)));
static uint8_t *bounce; /* a page that devices reach */

static bool is_busy;
static struct link users = LIST_HEAD(users), transfer = LIST_HEAD(transfer);
static volatile bool is_finished;

/* ---- Commands. ---- */

static bool wait_for(uint8_t wanted) {
  uint8_t status;
  while ((status = in8(ATA_STATUS)) & STATUS_BUSY) __asm__ volatile("pause");
  return !(status & STATUS_ERROR) && (status & wanted) == wanted;
}

static void command(uint32_t sector, uint8_t code) {
  out8(ATA_DRIVE, (uint8_t)(ATA_DRIVE_LBA | sector >> 24));
  out8(ATA_SECTOR_COUNT, 1);
  out8(ATA_ADDRESS_LOW, (uint8_t)sector);
  out8(ATA_ADDRESS_MIDDLE, (uint8_t)(sector >> 8));
  out8(ATA_ADDRESS_HIGH, (uint8_t)(sector >> 16));
  out8(ATA_COMMAND, code);
}

static void read_words(uint16_t *to) {
  for (unsigned i = 0; i < SECTOR_BYTES / 2; i++) to[i] = in16(ATA_DATA);
}
static void write_words(const uint16_t *from) {
  for (unsigned i = 0; i < SECTOR_BYTES / 2; i++) out16(ATA_DATA, from[i]);
}

static bool transfer_by_ports(uint32_t sector, bool is_write) {
  out8(ATA_CONTROL, ATA_CONTROL_NO_INTERRUPT);
  command(sector, is_write ? COMMAND_WRITE : COMMAND_READ);
  if (!wait_for(STATUS_DATA_REQUEST)) return false;
  if (is_write) write_words((const uint16_t *)bounce);
  else read_words((uint16_t *)bounce);
  return wait_for(STATUS_READY);
}

static void disk_interrupt(void) {
  in8(ATA_STATUS); /* takes the interrupt back */
  is_finished = true;
  queue_wake(&transfer);
}

static bool transfer_by_master(uint32_t sector, bool is_write) {
  uint8_t direction = is_write ? 0 : MASTER_TO_MEMORY;
  out8(ATA_CONTROL, 0);
  descriptor.address = (uint32_t)port->machine_address(bounce);
  descriptor.bytes = SECTOR_BYTES | DESCRIPTOR_LAST;
  out32(master + MASTER_TABLE, (uint32_t)port->machine_address(&descriptor));
  out8(master + MASTER_STATUS, MASTER_INTERRUPT | MASTER_ERROR); /* writing ones clears them */
  out8(master + MASTER_COMMAND, direction);
  is_finished = false;
  command(sector, is_write ? COMMAND_WRITE_DMA : COMMAND_READ_DMA);
  out8(master + MASTER_COMMAND, direction | MASTER_START);
  uintptr_t saved = port->interrupts_save();
  while (!is_finished) queue_wait(&transfer);
  port->interrupts_restore(saved);
  uint8_t status = in8(master + MASTER_STATUS);
  out8(master + MASTER_COMMAND, 0);
  return !(status & MASTER_ERROR) && wait_for(STATUS_READY);
}

/* ---- The device's file: whole sectors, at a position that is a multiple of a sector. ---- */

static bool transfer_sector(uint32_t sector, uint8_t *memory, bool is_write, bool by_master) {
  while (is_busy) queue_wait(&users);
  is_busy = true;
  if (is_write) copy(bounce, memory, SECTOR_BYTES);
  bool is_good = by_master ? transfer_by_master(sector, is_write) : transfer_by_ports(sector, is_write);
  if (is_good && !is_write) copy(memory, bounce, SECTOR_BYTES);
  is_busy = false;
  queue_wake(&users);
  return is_good;
}

static intptr_t transfer_file(struct file *file, uint8_t *memory, size_t bytes, bool is_write,
                              bool by_master) {
  if (file->position % SECTOR_BYTES != 0 || bytes % SECTOR_BYTES != 0) return ERROR;
  for (size_t done = 0; done < bytes; done += SECTOR_BYTES) {
    uint32_t sector = (uint32_t)(file->position / SECTOR_BYTES);
    if (sector >= sectors) return (intptr_t)done;
    if (!transfer_sector(sector, memory + done, is_write, by_master)) return ERROR;
    file->position += SECTOR_BYTES;
  }
  return (intptr_t)bytes;
}

static intptr_t disk_read(struct file *file, void *to, size_t bytes) {
  return transfer_file(file, to, bytes, false, master != 0);
}
static intptr_t disk_write(struct file *file, const void *from, size_t bytes) {
  return transfer_file(file, (uint8_t *)from, bytes, true, master != 0);
}
static intptr_t ports_read(struct file *file, void *to, size_t bytes) {
  return transfer_file(file, to, bytes, false, false);
}
static intptr_t ports_write(struct file *file, const void *from, size_t bytes) {
  return transfer_file(file, (uint8_t *)from, bytes, true, false);
}
static void close_nothing(struct file *file) { (void)file; }
static const struct node_operations disk_operations = {disk_read, disk_write, close_nothing};
static const struct node_operations ports_operations = {ports_read, ports_write, close_nothing};

/* ---- Finding it. ---- */

static uint32_t pci_read(uint32_t offset) {
  out32(PCI_ADDRESS, PCI_ENABLE | PCI_IDE_FUNCTION | offset);
  return in32(PCI_DATA);
}

static void find_master(void) {
  if (pci_read(PCI_CLASS) >> 16 != PCI_CLASS_IDE) return;
  uint32_t base = pci_read(PCI_BAR_4);
  uint32_t was = pci_read(PCI_COMMAND);
  out32(PCI_DATA, was | PCI_COMMAND_IO_AND_MASTER);
  /* Firmware gives it an address; without firmware, or where that gave none, this does. */
  if ((base & BAR_IO_MASK) == 0) {
    pci_read(PCI_BAR_4);
    out32(PCI_DATA, MASTER_BASE);
    base = MASTER_BASE;
  }
  master = (uint16_t)(base & BAR_IO_MASK);
}

void disk_start(void) {
  if (in8(ATA_STATUS) == NO_DEVICE) return;
  out8(ATA_CONTROL, ATA_CONTROL_NO_INTERRUPT);
  out8(ATA_DRIVE, ATA_DRIVE_LBA);
  if (in8(ATA_STATUS) == 0) return;
  command(0, COMMAND_IDENTIFY);
  if (!wait_for(STATUS_DATA_REQUEST)) return;
  bounce = frame_memory(frame_allocate_zeroed());
  read_words((uint16_t *)bounce);
  const uint16_t *words = (const uint16_t *)bounce;
  sectors = words[IDENTIFY_SECTORS] | (uint32_t)words[IDENTIFY_SECTORS + 1] << 16;
  find_master();
  port->irq_enable(IRQ_DISK, disk_interrupt);
  node_add_device("/dev/disk", &disk_operations);
  node_add_device("/dev/disk-pio", &ports_operations);
}
