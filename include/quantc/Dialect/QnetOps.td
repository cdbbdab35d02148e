//===- QnetOps.td - all qnet operations, by level --------------------------===//
#ifndef QUANTC_DIALECT_QNETOPS_TD
#define QUANTC_DIALECT_QNETOPS_TD

include "quantc/Dialect/QnetBase.td"
include "quantc/Dialect/QnetNetworkOps.td"
include "quantc/Dialect/QnetIntegerOps.td"
include "quantc/Dialect/QnetKernelOps.td"

#endif // QUANTC_DIALECT_QNETOPS_TD
