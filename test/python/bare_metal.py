"""Programs on x86-64 CPUs that this machine is not: Bochs, with no operating system below them.

qemu's user emulation has no AVX-512. Bochs has, and needs a disk: a boot sector switches to 64-bit mode, enables the
vector state that it is told to, and calls a flat image. The program talks through port 0xE9, which Bochs prints.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ALL_STATE", "AVX_STATE", "NO_STATE", "SAY", "SSE_STATE", "llvm_tool", "run_bare"]

NO_STATE = 0  # XCR0 is not there: x87 and SSE
SSE_STATE = 0x03
AVX_STATE = 0x07  # x87, SSE, AVX by their bits of XCR0 (Intel SDM volume 1, 13.1)
ALL_STATE = 0xE7  # and opmask, upper halves of ZMM0-15, ZMM16-31
LLVM = Path("/usr/lib/llvm-22/bin")
SECONDS = 30  # a CPU that faults three times stands still for ever
FLOPPY = 1440 * 1024
START = 0x200000
IMAGE, IMAGES = 1 << 17, 4  # bytes that Bochs loads as one, and how many of them

SAY = """
/* Bochs' debugging port, or standard output where there is one. */
static void say_byte(char byte) {
#if __STDC_HOSTED__
  putchar(byte);
#else
  __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"((unsigned short)0xe9));
#endif
}
static void say(const char *text) { while (*text) say_byte(*text++); }
static void say_number(unsigned long number) {
  char digits[24];
  int at = 23;
  digits[at] = 0;
  do digits[--at] = (char)('0' + number % 10); while (number /= 10);
  say(digits + at);
}
"""

# Long mode by the steps of the Intel SDM volume 3, 10.8.5: page tables (one gigabyte as it is, in pages of 2 MiB),
# CR4.PAE, OSFXSR, OSXMMEXCPT and OSXSAVE, EFER.LME, CR0.PE and PG. The last lines are Bochs' way to end.
BOOT = """
.code16
.globl start
start:
  cli
  cld
  xor %ax, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  mov $0x7c00, %sp
  in $0x92, %al
  or $2, %al
  out %al, $0x92
  mov $0x1000, %edi
  mov $0xc00, %ecx
  xor %eax, %eax
  rep stosl
  movl $0x2003, 0x1000
  movl $0x3003, 0x2000
  mov $0x3000, %edi
  mov $0x83, %eax
  mov $512, %ecx
pages:
  mov %eax, (%edi)
  add $8, %edi
  add $0x200000, %eax
  dec %ecx
  jnz pages
  mov %cr4, %eax
  or $0x620, %eax
.if STATE
  or $0x40000, %eax
.endif
  mov %eax, %cr4
  mov $0x1000, %eax
  mov %eax, %cr3
  mov $0xc0000080, %ecx
  rdmsr
  or $0x100, %eax
  wrmsr
  mov %cr0, %eax
  and $0x9ffffff3, %eax
  or $0x80000023, %eax
  mov %eax, %cr0
  lgdtl table_size
  ljmpl $8, $long_mode
.code64
long_mode:
  mov $16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
.if STATE
  xor %ecx, %ecx
  xor %edx, %edx
  mov $STATE, %eax
  xsetbv
.endif
  mov $0x1f0000, %rsp
  mov $0x200000, %rax
  call *%rax
  mov $0x8900, %dx
  mov $shutdown, %rsi
  mov $8, %ecx
  rep outsb
halt:
  hlt
  jmp halt
shutdown: .ascii "Shutdown"
.balign 8
table: .quad 0, 0x00209a0000000000, 0x0000920000000000
table_size: .word 23
  .long table
.org 510
.word 0xaa55
"""

LAYOUT = """
ENTRY(bare_start)
SECTIONS {
  . = 0x200000;
  .text : { *(.text.bare_start) *(.text*) }
  .rodata : { *(.rodata*) *(.data.rel.ro*) }
  .data : { *(.data*) *(.got*) }
  .bss : { *(.bss*) *(COMMON) }
  /DISCARD/ : { *(.eh_frame*) *(.comment) *(.note*) }
}
"""

SETTINGS = """
cpu: model={model}, count=1, ips=100000000, reset_on_triple_fault=0
memory: guest=64, host=64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
floppya: 1_44=floppy.img, status=inserted
boot: floppy
{images}
port_e9_hack: enabled=1
display_library: rfb, options="timeout=0"
clock: sync=none
speaker: enabled=0
log: bochs.log
panic: action=fatal
error: action=report
info: action=report
"""

COMPILE = (
    "--target=x86_64-unknown-none-elf",
    "-O1",
    "-ffreestanding",
    "-fno-pic",
    "-mcmodel=small",
    "-mno-red-zone",
    "-fno-stack-protector",
)


def llvm_tool(name: str) -> str:
    """Give the path of a program of LLVM 22, or of another that is installed."""
    ours = LLVM / name  # before PATH, which may lead to an older LLVM's
    found = str(ours) if ours.exists() else shutil.which(name)
    assert found, f"{name} is not installed; `./run setup` installs it"
    return found


def run_bare(folder: Path, source: str, objects: Sequence[Path], model: str, state: int = ALL_STATE) -> str:
    """Run a C program on an emulated CPU.

    Parameters
    ----------
    folder
        Where its files go.
    source
        C with a function ``void program(void)``; ``SAY`` is before it.
    objects
        What it links with: freestanding x86-64 objects.
    model
        Bochs' name of the CPU (``bochs --help cpu``).
    state
        What XCR0 is set to: the vector registers that the "operating system" allows. The CPU must have them.

    Returns
    -------
    str
        What the program said.
    """
    folder.mkdir(exist_ok=True)
    start = """
__attribute__((section(".text.bare_start"))) void bare_start(void) {
  say("begin\\n");
  program();
  say("\\nended\\n");
}
"""
    for name, text in (("program.c", SAY + source + start), ("boot.s", BOOT), ("layout.ld", LAYOUT)):
        (folder / name).write_text(text)
    (folder / "start.rc").write_text("c\n")

    def call(*command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=folder)

    clang, linker = llvm_tool("clang"), llvm_tool("ld.lld")
    call(clang, "--target=x86_64-unknown-none-elf", f"-Wa,-defsym,STATE={state}", "-c", "boot.s", "-o", "boot.o")
    call(linker, "--image-base=0", "-Ttext=0x7c00", "--oformat=binary", "-e", "start", "boot.o", "-o", "boot.bin")
    boot = (folder / "boot.bin").read_bytes()
    (folder / "floppy.img").write_bytes(boot.ljust(FLOPPY, b"\0"))
    call(clang, *COMPILE, "-c", "program.c", "-o", "program.o")
    call(linker, "-T", "layout.ld", "program.o", *objects, "-o", "program.elf")
    call(llvm_tool("llvm-objcopy"), "-O", "binary", "program.elf", "program.bin")
    image = (folder / "program.bin").read_bytes()
    assert len(image) <= IMAGE * IMAGES, f"{len(image)} bytes are too many"
    lines = []
    for i, at in enumerate(range(0, len(image), IMAGE)):
        (folder / f"image{i}.bin").write_bytes(image[at : at + IMAGE])
        lines.append(f"optramimage{i + 1}: file=image{i}.bin, address={START + at:#x}")
    (folder / "bochsrc").write_text(SETTINGS.format(model=model, images="\n".join(lines)))
    # Its exit status says nothing: what counts is what the program said.
    bochs = [llvm_tool("bochs"), "-q", "-f", "bochsrc", "-rc", "start.rc"]
    run = subprocess.run(bochs, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    said = run.stdout.decode(errors="replace")
    found = re.search(r"begin\n(.*)\nended\n", said, re.DOTALL)
    assert found, f"the program did not end on {model}: {said[-2000:]}"
    return found.group(1)
