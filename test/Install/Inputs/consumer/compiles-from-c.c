/* A C program that compiles a network: argv is MODEL CALIBRATION OUT. */
#include <quantc-c/quantc.h>
#include <stdio.h>

static void tell(bool isError, const char *message, const char *where,
                 void *count) {
  printf("%s: %s%s%s\n", isError ? "error" : "warning", where,
         where[0] ? ": " : "", message);
  ++*(int *)count;
}

int main(int argc, char **argv) {
  QuantcCompileOptions options = {0};
  int messages = 0;
  if (argc != 4)
    return 2;
  options.model = argv[1];
  options.calibration = argv[2];
  options.output = argv[3];
  options.name = "net";
  options.cpu = "portable";
  options.emit = "object,header";
  printf("quantc %s\n", quantcVersion());
  if (!quantcCompile(&options, tell, &messages)) {
    printf("not compiled, %d message(s)\n", messages);
    return 1;
  }
  printf("compiled\n");
  return 0;
}
