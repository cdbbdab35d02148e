"""Open a qnet file in a language server and print what it says: ask-lsp.py SERVER."""

import json
import subprocess
import sys
from typing import Any

FILE = "file:///net.mlir"
TEXT = """func.func @main(%x: tensor<?x4xf32>, %w: tensor<2x3xf32>) -> tensor<?x2xf32> {
  %y = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
"""

server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
assert server.stdin and server.stdout


def send(method: str, params: Any, number: int | None = None) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        message["id"] = number
    body = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    server.stdin.flush()


def receive() -> dict[str, Any]:
    length = 0
    while line := server.stdout.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return json.loads(server.stdout.read(length))


def answer(number: int) -> Any:
    while True:
        message = receive()
        if message.get("id") == number:
            return message["result"]


send("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 0)
answer(0)
send("initialized", {})
document = {"uri": FILE, "languageId": "mlir", "version": 1, "text": TEXT}
send("textDocument/didOpen", {"textDocument": document})
while (message := receive()).get("method") != "textDocument/publishDiagnostics":
    pass
good = TEXT.replace("tensor<2x3xf32>", "tensor<2x4xf32>")
send(
    "textDocument/didChange",
    {"textDocument": {"uri": FILE, "version": 2}, "contentChanges": [{"text": good}]},
)
send("textDocument/hover", {"textDocument": {"uri": FILE}, "position": {"line": 1, "character": 10}}, 1)
print(answer(1)["contents"]["value"])
for diagnostic in message["params"]["diagnostics"]:
    print("diagnostic:", diagnostic["message"])
send("shutdown", None, 2)
answer(2)
send("exit", None)
server.wait(timeout=20)
