/* A CPU without AVX-512, AVX-VNNI and AMX, for the libraries that ask it what
 * it has.
 *
 * Loaded by the dynamic linker as LD_AUDIT in a contender's process
 * (benchmarks/limit_isa.py). Before a library's own code can run, each of its
 * `cpuid` instructions (0F A2) becomes `ud2` (0F 0B), as long, whose signal
 * handler gives the processor's answer without those features. Files are not
 * changed, and nothing else of the library is.
 *
 * QUANTC_CPUID_SITES   a file of lines "ADDRESS PATH": the address in the
 * library PATH of a cpuid instruction, in hexadecimal, as a disassembler shows
 * it. QUANTC_CPUID_LOG     a file to which "PATH COUNT" is added for each
 * library that had instructions replaced.
 *
 * Bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume
 * 2A, CPUID, leaf 07H.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { MOST_SITES = 4096, LINE_LENGTH = PATH_MAX + 32 };

/* Leaf 7, subleaf 0. EBX: AVX512F, DQ, IFMA, PF, ER, CD, BW, VL. ECX: VBMI,
 * VBMI2, VNNI, BITALG, VPOPCNTDQ. EDX: 4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16,
 * AVX512-FP16, AMX-TILE, AMX-INT8. */
static const uint32_t hidden_ebx = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 |
                                   1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
static const uint32_t hidden_ecx =
    1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14;
static const uint32_t hidden_edx =
    1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
/* Subleaf 1. EAX: AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA. EDX:
 * AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX, AVX-VNNI-INT16, AVX10. */
static const uint32_t hidden_eax1 = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23;
static const uint32_t hidden_edx1 =
    1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19;

static uintptr_t sites[MOST_SITES];
static int site_count;

static void end(const char *text) {
  fprintf(stderr, "limit_isa: %s\n", text);
  _exit(1);
}

static int is_site(uintptr_t address) {
  for (int i = 0; i < site_count; ++i)
    if (sites[i] == address)
      return 1;
  return 0;
}

static void answer(int signal_number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  (void)info;
  if (!is_site((uintptr_t)registers[REG_RIP])) {
    signal(signal_number, SIG_DFL); /* a real one: the process ends by it when
                                       the instruction is tried again */
    return;
  }
  const uint32_t leaf = (uint32_t)registers[REG_RAX],
                 subleaf = (uint32_t)registers[REG_RCX];
  uint32_t eax, ebx, ecx, edx;
  __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx);
  if (leaf == 7 && subleaf == 0) {
    ebx &= ~hidden_ebx;
    ecx &= ~hidden_ecx;
    edx &= ~hidden_edx;
  } else if (leaf == 7 && subleaf == 1) {
    eax &= ~hidden_eax1;
    edx &= ~hidden_edx1;
  }
  registers[REG_RAX] = eax;
  registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx;
  registers[REG_RDX] = edx;
  registers[REG_RIP] += 2;
}

static void replace(uintptr_t address) {
  static const unsigned char cpuid[2] = {0x0f, 0xa2}, ud2[2] = {0x0f, 0x0b};
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
                  first = address & ~(page - 1);
  const size_t size = ((address + 1) & ~(page - 1)) - first + page;
  if (memcmp((void *)address, cpuid, 2))
    end("a library is not the one that was searched; run the benchmark again");
  if (site_count == MOST_SITES)
    end("more cpuid instructions than MOST_SITES");
  if (mprotect((void *)first, size, PROT_READ | PROT_WRITE | PROT_EXEC))
    end("the system does not let code be changed");
  sites[site_count++] = address;
  memcpy((void *)address, ud2, 2);
  mprotect((void *)first, size, PROT_READ | PROT_EXEC);
}

unsigned la_version(unsigned version) {
  struct sigaction action = {.sa_sigaction = answer,
                             .sa_flags = SA_SIGINFO | SA_NODEFER};
  (void)version;
  sigaction(SIGILL, &action, NULL);
  return LAV_CURRENT;
}

unsigned la_objopen(struct link_map *map, Lmid_t list, uintptr_t *cookie) {
  const char *listing = getenv("QUANTC_CPUID_SITES"),
             *log = getenv("QUANTC_CPUID_LOG");
  char line[LINE_LENGTH], name[PATH_MAX];
  (void)list, (void)cookie;
  FILE *file =
      listing && realpath(map->l_name, name) ? fopen(listing, "r") : NULL;
  if (!file)
    return 0;
  int count = 0;
  while (fgets(line, sizeof line, file)) {
    char *path;
    const uint64_t address = strtoull(line, &path, 16);
    line[strcspn(line, "\n")] = 0;
    if (*path != ' ' || strcmp(path + 1, name))
      continue;
    replace(map->l_addr + address);
    ++count;
  }
  fclose(file);
  if (count && log && (file = fopen(log, "a"))) {
    fprintf(file, "%s %d\n", name, count);
    fclose(file);
  }
  return 0;
}
