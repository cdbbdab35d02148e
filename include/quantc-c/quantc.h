/*===- quantc-c/quantc.h - quantc for C -----------------------------*- C
-*-===*\
|*                                                                            *|
|* The dialect and passes for users of MLIR's C API, and whole compilations   *|
|* for everybody else. Strings are UTF-8 and end in NUL; those that come back *|
|* belong to the library and last as long as the process, except where said.  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef QUANTC_C_QUANTC_H
#define QUANTC_C_QUANTC_H

#include "mlir-c/IR.h"
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
const char *quantcVersion(void);

/* Adds qnet and the upstream dialects that quantc's passes make. */
void quantcRegisterDialects(MlirDialectRegistry registry);

/* Registers quantc's passes and named pipelines, once a process: then
 * mlirParsePassPipeline knows "qnet-prepare" and the others. */
void quantcRegisterPasses(void);

/* One compilation. Zero-initialize it, set what is needed; NULL and 0 stand for
 * the defaults of `quantc compile`, whose options these are. */
typedef struct QuantcCompileOptions {
  const char *model;       /* required: path of an ONNX file */
  const char *calibration; /* required: path of a .npy, .npz or .csv file */
  const char *output;      /* required: folder */
  const char *name;
  const char *target;
  const char *cpu;
  const char *method;
  const char *requant;
  const char *prune;
  const char *emit; /* "object,header,shared" and the like */
  bool allowFloat;
} QuantcCompileOptions;

/* Hears of each error and warning; `where` is the node or file position, or "".
 * The strings last as long as the call. */
typedef void (*QuantcMessageCallback)(bool isError, const char *message,
                                      const char *where, void *userData);

/* Compiles and writes the files. False after at least one error was told (to
 * `onMessage`, which may be NULL); the folder is then as it was. Several may
 * run at once in different threads. */
bool quantcCompile(const QuantcCompileOptions *options,
                   QuantcMessageCallback onMessage, void *userData);

#ifdef __cplusplus
}
#endif

#endif /* QUANTC_C_QUANTC_H */
