// If this fails, a kernel that reads 16 inputs at once is asked for lists of 4.
// RUN: quant-opt %s --select-kernels="isa=dotprod kernel=gemm_s8s8s32_4x16x16_dotprod lists" --verify-diagnostics

!q = !quant.uniform<u8:f32, 0.5:0>
func.func @steps(%q: tensor<?x8x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1> : tensor<1x8xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  // expected-error @below {{gemm_s8s8s32_4x16x16_dotprod has no lists for 8 input channels}}
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x8x!q>, tensor<1x8xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
