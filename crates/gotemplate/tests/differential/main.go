// Makes templates from a seed and writes what Go's text/template answers for each, one JSON object a line:
// "template", and either "want" or "error", of which only a part counts where "fragment" is true;
// "missing" where the option missingkey is set.
// tests/recorded holds the Rust engine against such lines.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
)

// functions are those beside text/template's own. Another file of this package may set them in its init.
var functions = template.FuncMap{}

// Line is one case.
type Line struct {
	Template string  `json:"template"`
	Plain    bool    `json:"plain,omitempty"`
	Missing  string  `json:"missing,omitempty"`
	Want     *string `json:"want,omitempty"`
	Error    *string `json:"error,omitempty"`
	Fragment bool    `json:"fragment,omitempty"`
}

// address is what Go prints for pointers and functions: never twice the same.
var address = regexp.MustCompile(`0x[0-9a-f]{6,}|%!.\(func`)

// foreign are messages of parsers for which the engine has words of its own: only the start counts.
var foreign = regexp.MustCompile(`error calling (mustFromJson|regex\w+|mustRegex\w+): `)

// unbounded are messages of Go's runtime, about what the engine has bounds or words for.
var unbounded = regexp.MustCompile(`runtime error|makeslice|strings: |reflect: |reflect\.|interface conversion|maximum template depth`)

// Functions of the data, and where they are called: others may come out as their addresses, or as the length of such.
var (
	function = regexp.MustCompile(`meta\.(Upper|Count)`)
	called   = regexp.MustCompile(`[^\w.$]call [.$]+meta\.(Upper|Count)`)
)

// endless are integers that Go would count up to where a range is given one; the engine has a bound.
var endless = regexp.MustCompile(`\d{9}|\.i64`)

var errTooMuch = errors.New("too much output")

// short refuses more than a screen of text.
type short struct{ strings.Builder }

func (s *short) Write(p []byte) (int, error) {
	if s.Len()+len(p) > 2000 {
		return 0, errTooMuch
	}
	return s.Builder.Write(p)
}

func run(text, missing string, data interface{}) (string, error) {
	t := template.New("t").Funcs(functions)
	if missing != "" {
		t.Option("missingkey=" + missing)
	}
	t, err := t.Parse(text)
	if err != nil {
		return "", err
	}
	var out short
	err = t.Execute(&out, decode(data))
	return out.String(), err
}

// answer gives nothing where Go's own answer is not the same each time, or is about the runtime.
func answer(line *Line, data interface{}) bool {
	if len(function.FindAllString(line.Template, -1)) != len(called.FindAllString(line.Template, -1)) {
		return false
	}
	if strings.Contains(line.Template, "range") && endless.MatchString(line.Template) {
		return false
	}
	var first string
	var firstErr error
	for i := range 3 {
		out, err := run(line.Template, line.Missing, data)
		if i == 0 {
			first, firstErr = out, err
		} else if out != first || fmt.Sprint(err) != fmt.Sprint(firstErr) {
			return false
		}
	}
	if firstErr == nil {
		line.Want = &first
		// Texts of the engine are UTF-8.
		return !address.MatchString(first) && utf8.ValidString(first)
	}
	message := firstErr.Error()
	if at := foreign.FindStringIndex(message); at != nil {
		message, line.Fragment = message[:at[1]], true
	}
	line.Error = &message
	return !errors.Is(firstErr, errTooMuch) && !address.MatchString(message) && !unbounded.MatchString(message)
}

func main() {
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "what the templates are made from")
	count := flag.Int("count", 1000, "how many templates")
	longest := flag.Int("longest", 2000, "bytes of a template with its answer; longer ones are left out")
	dataFile := flag.String("data", "data.json", "the data that they run over")
	flag.Parse()
	var data interface{}
	text, err := os.ReadFile(*dataFile)
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		log.Fatalf("cannot read the data of the templates: %v", err)
	}
	if err := write(os.Stdout, *seed, *count, *longest, data); err != nil {
		log.Fatalf("cannot write cases: %v", err)
	}
}

func write(to io.Writer, seed uint64, count, longest int, data interface{}) error {
	out := bufio.NewWriter(to)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	g := newGenerator(rand.New(rand.NewPCG(seed, 0)))
	seen := map[string]bool{}
	for made, failed := 0, 0; made < count; {
		line := Line{Template: g.template(), Plain: len(functions) == 0, Missing: g.pick("", "", "", "", "", "zero", "zero", "error")}
		if seen[line.Template] || !answer(&line, data) {
			continue
		}
		seen[line.Template] = true
		// Most templates that are made at random fail; most that people write do not.
		if line.Error != nil && failed > made*4/10 {
			continue
		}
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if len(text) > longest {
			continue
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
		made++
		if line.Error != nil {
			failed++
		}
	}
	return out.Flush()
}
