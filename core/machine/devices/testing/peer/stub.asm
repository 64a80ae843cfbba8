; A multiboot kernel for QEMU: carries out the table of operations that follows it (operations.ts) and sends what it reads
; to the debug console. Assembled by record.ts with nasm -f bin. It lies in an even megabyte, so that A20 may be closed.
bits 32
org 0x200000
MAGIC equ 0x1BADB002
FLAGS equ 0x10000
header:
  dd MAGIC, FLAGS, -(MAGIC+FLAGS)
  dd header, header, 0, 0, start
start:
  cli
  mov esp, stack_top
  ; every vector's handler notes the vector and ends nothing
  mov edi, idt
  mov ecx, 256
  mov eax, handlers
.fill:
  mov [edi], ax
  mov word [edi+2], 8
  mov word [edi+4], 0x8e00
  mov edx, eax
  shr edx, 16
  mov [edi+6], dx
  add eax, 16
  add edi, 8
  loop .fill
  lgdt [gdtr]
  jmp 8:.flat
.flat:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov ss, ax
  lidt [idtr]
  mov esi, table
next:
  lodsb
  movzx ebx, al
  lodsd
  mov edx, eax          ; address
  lodsd                 ; value
  jmp [ops + ebx*4]
; by the number of an operation
ops: dd finish, out8, out16, out32, in8, in16, in32, mw32, mr32, window, poll
out8: out dx, al
  jmp next
out16: out dx, ax
  jmp next
out32: out dx, eax
  jmp next
; reads: four bytes, masked by the value
in8: mov ebx, eax
  xor eax, eax
  in al, dx
  jmp emit
in16: mov ebx, eax
  xor eax, eax
  in ax, dx
  jmp emit
in32: mov ebx, eax
  in eax, dx
  jmp emit
mw32: mov [edx], eax
  jmp next
mr32: mov ebx, eax
  mov eax, [edx]
  jmp emit
emit:
  and eax, ebx
  mov ecx, 4
.byte: out 0xe9, al
  shr eax, 8
  loop .byte
  jmp next
; interrupts on for a moment: a byte with the number of vectors taken, then the vectors
window:
  mov dword [logged], 0
  mov ecx, 64
  sti
.spin: jmp .on
.on: loop .spin
  cli
  mov ecx, [logged]
  mov al, cl
  out 0xe9, al
  test ecx, ecx
  jz next
  mov edi, log
.one: mov al, [edi]
  out 0xe9, al
  inc edi
  loop .one
  jmp next
; waits until (port & mask) = wanted; the value is mask | wanted << 8
poll:
  mov ecx, 20000000
  mov ebx, eax
.again:
  in al, dx
  and al, bl
  cmp al, bh
  je next
  loop .again
  jmp next
finish:
  mov al, 0
  mov dx, 0xf4
  out dx, al
  hlt
logvector:
  push eax
  push ecx
  mov ecx, [logged]
  mov eax, [esp+8]
  cmp ecx, 200
  jae .full
  mov [log+ecx], al
  inc dword [logged]
.full:
  pop ecx
  pop eax
  add esp, 4
  iret
align 16
handlers:
%assign v 0
%rep 256
  push strict dword v
  jmp near logvector
  align 16
%assign v v+1
%endrep
align 8
gdt: dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr: dw 23
  dd gdt
idtr: dw 2047
  dd idt
align 8
logged: dd 0
log: times 256 db 0
idt: times 2048 db 0
  times 4096 db 0
stack_top:
table:
