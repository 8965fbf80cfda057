// Reads a log with npm's postfix-parser, line by line, and throws away what it finds.
// node postfix_parser.js FOLDER-WITH-NODE_MODULES LOG
const fs = require('fs')
const path = require('path')
const [folder, log] = process.argv.slice(2)
// It tells of every line that it cannot read, on the standard error; that must not be what is measured.
console.error = () => {}
const parser = require(path.join(folder, 'node_modules', 'postfix-parser'))
let found = 0
for (const line of fs.readFileSync(log, 'utf8').split('\n')) {
  if (line && parser.asObject(line)) found++
}
console.log(found)
