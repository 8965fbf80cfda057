// Reads a log with Lightmeter's parser, line by line, and throws away what it finds: main LOG
package main

import (
	"bufio"
	"fmt"
	"os"

	parser "gitlab.com/lightmeter/postfix-log-parser"
)

func main() {
	log, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	found := 0
	lines := bufio.NewScanner(log)
	lines.Buffer(make([]byte, 64*1024), 64*1024)
	for lines.Scan() {
		if _, _, err := parser.Parse(lines.Bytes()); err == nil {
			found++
		}
	}
	fmt.Println(found)
}
