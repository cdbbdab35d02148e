// If this fails, a kernel can read beyond its input.
// RUN: quant-opt %s --verify-lists --split-input-file --verify-diagnostics

// The last group begins at the last input; the first panel lists nothing.
func.func @fits(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[0, 0, 2]> : tensor<3xi32>
  %o = qnet.constant dense<[1, 5, 0, 2]> : tensor<4xi16>
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<3xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// Input 20 is the last.
func.func @beyond(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[0, 1, 2]> : tensor<3xi32>
  %o = qnet.constant dense<[1, 6, 0, 2]> : tensor<4xi16>
  // expected-error @below {{has lists with an offset of 24: a group of gemm_u8s8s16_4x16x8_avx2 begins at a multiple of 4 below 21}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<3xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// Numbers have no sign.
func.func @negative(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[0, 1, 2]> : tensor<3xi32>
  %o = qnet.constant dense<[1, -1, 0, 2]> : tensor<4xi16>
  // expected-error @below {{an offset of 262140}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<3xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// In the middle of a group.
func.func @between(%x: tensor<?x5xi8>, %w: tensor<128xi8>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %s = qnet.constant dense<[0, 1, 1]> : tensor<3xi32>
  %o = qnet.constant dense<2> : tensor<1xi32>
  %v = qnet.constant dense<1> : tensor<32xi8>
  // expected-error @below {{has visits with an offset of 2}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x5xi8>, tensor<128xi8>, tensor<16xi32>)
    visits(%s, %o, %v : tensor<3xi32>, tensor<1xi32>, tensor<32xi8>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Starts that fall would run a loop the wrong way.
func.func @falling(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[0, 3, 2]> : tensor<3xi32>
  %o = qnet.constant dense<[1, 0, 0, 2]> : tensor<4xi16>
  // expected-error @below {{do not lead from 0 to 2 in 2 parts}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<3xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// A step is left out.
func.func @short(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[0, 1, 1]> : tensor<3xi32>
  %o = qnet.constant dense<[1, 0, 0, 2]> : tensor<4xi16>
  // expected-error @below {{do not lead from 0 to 2 in 2 parts}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<3xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// The first step is left out.
func.func @first(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[1, 1, 2]> : tensor<3xi32>
  %o = qnet.constant dense<[1, 0, 0, 2]> : tensor<4xi16>
  // expected-error @below {{do not lead from 0 to 2 in 2 parts}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<3xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// A panel has no start.
func.func @panels(%x: tensor<?x21xi8>, %w: tensor<256xi8>, %b: tensor<32xi32>, %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %s = qnet.constant dense<[0, 2]> : tensor<2xi32>
  %o = qnet.constant dense<[1, 0, 0, 2]> : tensor<4xi16>
  // expected-error @below {{do not lead from 0 to 2 in 2 parts}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x21xi8>, tensor<256xi8>, tensor<32xi32>)
    lists(%s, %o : tensor<2xi32>, tensor<4xi16>) outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// A visit beyond the row.
func.func @visit(%x: tensor<?x5xi8>, %w: tensor<128xi8>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %s = qnet.constant dense<[0, 1, 1]> : tensor<3xi32>
  %o = qnet.constant dense<8> : tensor<1xi32>
  %v = qnet.constant dense<1> : tensor<32xi8>
  // expected-error @below {{has visits with an offset of 8}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x5xi8>, tensor<128xi8>, tensor<16xi32>)
    visits(%s, %o, %v : tensor<3xi32>, tensor<1xi32>, tensor<32xi8>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Not constant: nothing can be said of it.
func.func @argument(%x: tensor<?x5xi8>, %w: tensor<128xi8>, %b: tensor<16xi32>, %s: tensor<2xi32>, %o: tensor<2xi16>,
                    %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @below {{has lists that are no constants}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x5xi8>, tensor<128xi8>, tensor<16xi32>)
    lists(%s, %o : tensor<2xi32>, tensor<2xi16>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Nothing to do: no lists.
func.func @plain(%x: tensor<?x5xi8>, %w: tensor<128xi8>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x5xi8>, tensor<128xi8>, tensor<16xi32>)
    outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
