func.func @unneeded(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = qnet.activation relu %x : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = qnet.softmax %x {axis = 1 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
