/**
 * A virtual machine in thirty lines: the guest of "Using the KVM API" (LWN, 2015) adds two numbers, writes the sum to its serial
 * port, and halts. At the end: what each exit cost, and whose cycles they were. Run it: node scripts/examples/kvm.mjs
 */
import { Kvm } from "virtlab";

const CODE = Uint8Array.of(
  ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
  ...[0x00, 0xd8], // add al, bl
  ...[0x04, 0x30], // add al, '0'
  ...[0xee], // out dx, al
  ...[0xb0, 0x0a], // mov al, '\n'
  ...[0xee], // out dx, al
  ...[0xf4], // hlt
);

const vm = new Kvm({ profile: "skylake-2015" }).createVm();
vm.setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0x1000, memorySize: 0x1000 });
vm.writeMemory(0x1000, CODE);

const vcpu = vm.createVcpu();
vcpu.setSregs({ cs: { ...vcpu.getSregs().cs, base: 0n, selector: 0 } });
vcpu.setRegs({ rip: 0x1000n, rax: 2n, rbx: 2n, rflags: 2n });

for (let run = vcpu.run(); run.exitReason !== "hlt"; run = vcpu.run()) {
  if (run.exitReason !== "io" || run.io.port !== 0x3f8) throw new Error(`unexpected exit: ${run.exitReason}`);
  process.stdout.write(String.fromCharCode(run.io.data.getUint8(0)));
}
console.log(vcpu.counters);
