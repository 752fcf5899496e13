// A grammar of templates. Most of what it makes runs; some of it fails in execution, some does not parse.
package main

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sort"
	"strings"
)

// kind is what an expression should give. What it gives in fact is, now and then, something else.
type kind int

const (
	anything kind = iota
	text
	integer
	float
	boolean
	list
	dictionary
	kinds
)

// call is a function that templates may name.
type call struct {
	name     string
	params   []kind
	variadic bool
	gives    kind
	// Integers stay small, since Go would do what it is told.
	small bool
	// Cuts between bytes, so only ASCII goes in: texts of the engine are UTF-8 always.
	cuts bool
	// Changes its first argument, which must not come to contain itself.
	changes bool
}

type generator struct {
	random *rand.Rand
	calls  [kinds][]call
	// Variables that can be named here.
	vars []string
	// Ranges around this place.
	ranges int
	// Templates that can be called from here.
	templates int
	// No text beyond ASCII in here.
	ascii bool
}

var builtin = []call{
	{name: "and", params: []kind{anything, anything}, variadic: true},
	{name: "or", params: []kind{anything, anything}, variadic: true},
	{name: "not", params: []kind{anything}, gives: boolean},
	{name: "len", params: []kind{list}, gives: integer},
	{name: "len", params: []kind{text}, gives: integer},
	{name: "index", params: []kind{list, integer}},
	{name: "index", params: []kind{dictionary, text}},
	{name: "slice", params: []kind{text, integer, integer}, gives: text, cuts: true},
	{name: "slice", params: []kind{list, integer}, gives: list, cuts: true},
	{name: "eq", params: []kind{text, text, text}, variadic: true, gives: boolean},
	{name: "eq", params: []kind{anything, anything}, gives: boolean},
	{name: "eq", params: []kind{integer, integer}, gives: boolean},
	{name: "ne", params: []kind{text, text}, gives: boolean},
	{name: "lt", params: []kind{anything, integer}, gives: boolean},
	{name: "le", params: []kind{integer, integer}, gives: boolean},
	{name: "gt", params: []kind{float, float}, gives: boolean},
	{name: "ge", params: []kind{text, text}, gives: boolean},
	{name: "print", params: []kind{anything, anything}, variadic: true, gives: text},
	{name: "println", params: []kind{anything}, variadic: true, gives: text},
	{name: "html", params: []kind{anything}, gives: text},
	{name: "js", params: []kind{anything}, gives: text},
	{name: "urlquery", params: []kind{anything}, gives: text},
	{name: "call .meta.Upper", params: []kind{text}, gives: text},
	{name: "call $.meta.Count", params: []kind{anything}, variadic: true, gives: integer},
}

// left are functions whose answer is not the template's: of the clock, of chance, of keys, of the machine,
// in the order of a Go map, or without a bound.
var left = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`now ago date htmlDate dateInZone date_in_zone htmlDateInZone durationRound env expandenv getHostByName shuffle uuidv4 keys values hello
		randAlphaNum randAlpha randAscii randNumeric randInt randBytes bcrypt htpasswd genPrivateKey derivePassword
		buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert
		genSignedCertWithKey encryptAES decryptAES camelcase chunk mustChunk b64dec b32dec toDate`) {
		left[name] = true
	}
}

// changing are functions that put things into a map.
var changing = map[string]bool{
	"set": true, "merge": true, "mustMerge": true, "mergeOverwrite": true, "mustMergeOverwrite": true,
}

var cutting = map[string]bool{
	"substr": true, "trunc": true, "abbrev": true, "abbrevboth": true, "wrap": true, "wrapWith": true,
	"chunk": true, "initials": true, "untitle": true, "snakecase": true, "kebabcase": true,
}

var small = map[string]bool{
	"until": true, "untilStep": true, "seq": true, "repeat": true, "indent": true, "nindent": true, "wrap": true,
	"wrapWith": true, "chunk": true,
}

func kindOf(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Int, reflect.Int64:
		return integer
	case reflect.Float64:
		return float
	case reflect.Bool:
		return boolean
	case reflect.Slice:
		return list
	case reflect.Map:
		return dictionary
	}
	return anything
}

func newGenerator(random *rand.Rand) *generator {
	g := &generator{random: random}
	all := append([]call(nil), builtin...)
	var names []string
	for name := range functions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if left[name] {
			continue
		}
		t := reflect.TypeOf(functions[name])
		c := call{name: name, gives: kindOf(t.Out(0)), variadic: t.IsVariadic(), small: small[name], cuts: cutting[name], changes: changing[name]}
		for i := range t.NumIn() {
			in := t.In(i)
			if c.variadic && i == t.NumIn()-1 {
				in = in.Elem()
			}
			c.params = append(c.params, kindOf(in))
		}
		all = append(all, c)
	}
	for _, c := range all {
		g.calls[anything] = append(g.calls[anything], c)
		if c.gives != anything {
			g.calls[c.gives] = append(g.calls[c.gives], c)
		}
	}
	return g
}

func (g *generator) pick(options ...string) string { return options[g.random.IntN(len(options))] }

func (g *generator) chance(percent int) bool { return g.random.IntN(100) < percent }

// template gives one whole text.
func (g *generator) template() string {
	g.vars, g.ranges, g.templates = []string{"$"}, 0, 0
	var out strings.Builder
	for range g.random.IntN(3) * g.random.IntN(2) {
		body := g.apart(func() string { return g.nodes(1) })
		fmt.Fprintf(&out, "%s define \"t%d\" %s%s%s end %s", g.left(), g.templates, g.right(), body, g.left(), g.right())
		g.templates++
	}
	out.WriteString(g.nodes(1 + g.random.IntN(2)))
	made := out.String()
	if g.chance(6) {
		made = g.spoil(made)
	}
	return made
}

// apart makes what sees nothing of what is around it.
func (g *generator) apart(make func() string) string {
	vars, ranges := g.vars, g.ranges
	g.vars, g.ranges = []string{"$"}, 0
	defer func() { g.vars, g.ranges = vars, ranges }()
	return make()
}

// spoil changes a text so that, most likely, it does not parse.
func (g *generator) spoil(text string) string {
	at := g.random.IntN(len(text) + 1)
	// Not inside a character.
	for at < len(text) && text[at]&0xC0 == 0x80 {
		at++
	}
	switch g.random.IntN(3) {
	case 0:
		end := min(at+1+g.random.IntN(4), len(text))
		for end < len(text) && text[end]&0xC0 == 0x80 {
			end++
		}
		return text[:at] + text[end:]
	case 1:
		return text[:at]
	}
	return text[:at] + g.pick("{{", "}}", "|", "(", ")", ".", "..", " . ", "$x", "$", ":=", " = ", ",", "\"", "`", "'a", "0x", "1e", "{{end}}",
		"{{else}}", "{{break}}", "{{/* c */}}", "{{- ", " -}}", "-", "nil", " nil ", ".a", " range ", " if ", "\n", "@", "\x01", "é", "\\", "/*") + text[at:]
}

func (g *generator) left() string { return g.pick("{{", "{{", "{{- ", "{{ ") }

func (g *generator) right() string { return g.pick("}}", "}}", " -}}", " }}") }

func (g *generator) nodes(depth int) string {
	var out strings.Builder
	for range 1 + g.random.IntN(1+depth) {
		out.WriteString(g.node(depth))
	}
	return out.String()
}

// block gives nodes whose variables end with them.
func (g *generator) block(depth int) string {
	vars := len(g.vars)
	defer func() { g.vars = g.vars[:vars] }()
	return g.nodes(depth)
}

func (g *generator) node(depth int) string {
	choice := g.random.IntN(20)
	if depth <= 0 {
		choice %= 10
	}
	switch choice {
	case 0, 1, 2:
		return g.pick("a", " ", "\n", "  b\n", "-", "{", "}", "<", "é", "\tx: ", "\n\n", "1")
	case 3, 4, 5, 6, 7:
		return g.left() + g.pipeline(anything, 3) + g.right()
	case 8, 9:
		return g.left() + g.declaration() + g.right()
	case 10, 11, 12:
		return g.branch("if", boolean, depth)
	case 13, 14:
		return g.branch("with", anything, depth)
	case 15, 16, 17:
		return g.loop(depth)
	case 18:
		return g.called(depth)
	}
	if g.ranges > 0 || g.chance(3) {
		return g.left() + g.pick("break", "continue") + g.right()
	}
	return g.pick("{{/* a comment */}}", "{{- /* a comment */ -}}", "{{/*\n*/ -}}")
}

func (g *generator) declaration() string {
	value := g.pipeline(anything, 2)
	if len(g.vars) > 1 && g.chance(40) {
		return g.variable() + " = " + value
	}
	name := g.pick("$a", "$b", "$x")
	g.vars = append(g.vars, name)
	return name + " := " + value
}

func (g *generator) variable() string {
	if g.chance(1) {
		return "$unknown"
	}
	return g.vars[g.random.IntN(len(g.vars))]
}

func (g *generator) branch(word string, wanted kind, depth int) string {
	vars := len(g.vars)
	defer func() { g.vars = g.vars[:vars] }()
	head := g.pipeline(wanted, 2)
	if g.chance(20) {
		name := g.pick("$a", "$w")
		head, g.vars = name+" := "+head, append(g.vars, name)
	}
	out := g.left() + word + " " + head + g.right() + g.block(depth-1)
	if g.chance(25) {
		out += g.left() + "else " + word + " " + g.pipeline(wanted, 2) + g.right() + g.block(depth-1)
	}
	if g.chance(40) {
		out += g.left() + "else" + g.right() + g.block(depth-1)
	}
	return out + g.left() + "end" + g.right()
}

func (g *generator) loop(depth int) string {
	vars := len(g.vars)
	defer func() { g.vars = g.vars[:vars] }()
	over := g.pick(".words", ".strs", ".m", ".sm", ".list", ".none", "3", ".nolist", ".nomap", ".ints", ".meta.Ports")
	switch {
	case g.chance(25):
		over = g.pipeline(g.oneOf(list, list, dictionary), 2)
	case g.chance(10):
		// Not an integer: it may be a large one.
		over = g.pick(".s", ".nothing", ".meta.None", ".f", ".yes", ".meta", ".absent", ".u", ".n", ".neg")
	}
	switch g.random.IntN(5) {
	case 0:
		g.vars = append(g.vars, "$v")
		over = "$v := " + over
	case 1, 2:
		g.vars = append(g.vars, "$k", "$v")
		over = "$k, $v := " + over
	case 3:
		if len(g.vars) > 1 {
			over = g.variable() + " = " + over
		}
	}
	g.ranges++
	out := g.left() + "range " + over + g.right() + g.block(depth-1)
	if g.chance(25) {
		out += g.left() + "if " + g.pipeline(boolean, 1) + g.right() + g.left() + g.pick("break", "continue") + g.right() + "{{end}}" + g.block(0)
	}
	g.ranges--
	if g.chance(30) {
		out += g.left() + "else" + g.right() + g.block(depth-1)
	}
	return out + g.left() + "end" + g.right()
}

func (g *generator) called(depth int) string {
	if g.chance(30) {
		body := g.apart(func() string { return g.nodes(depth - 1) })
		return fmt.Sprintf("%sblock %s %s%s%s{{end}}", g.left(), g.name(), g.pipeline(anything, 1), g.right(), body)
	}
	if g.templates == 0 || g.chance(3) {
		return g.left() + "template \"none\" ." + g.right()
	}
	return fmt.Sprintf("%stemplate \"t%d\" %s%s", g.left(), g.random.IntN(g.templates), g.pick("", ".", g.pipeline(anything, 1)), g.right())
}

// name gives the literal of a template's name; some are such that a message must escape them.
func (g *generator) name() string {
	name := fmt.Sprintf("b%d", g.random.IntN(1000))
	if g.chance(80) {
		return `"` + name + `"`
	}
	return g.pick(`"`+name+`\x01"`, `"`+name+`\n"`, `"`+name+`\t\\"`, `"\"`+name+`\""`, `"`+name+` é世"`, `"`+name+`\u200b\u00a0"`, `"\U0001F600`+name+`\a\x7f"`, `"'`+name+`'"`, "`"+name+` "x"`+"`", `""`, `"`+name+`\u0301\ufeff"`)
}

func (g *generator) oneOf(options ...kind) kind { return options[g.random.IntN(len(options))] }

// pipeline gives one or more commands.
func (g *generator) pipeline(wanted kind, depth int) string {
	if depth > 0 && g.chance(30) {
		if c, ok := g.function(wanted); ok && len(c.params) > 0 && !c.small && !c.cuts && !c.changes {
			last := c.params[len(c.params)-1]
			return g.pipeline(last, depth-1) + " | " + g.arguments(c, c.params[:len(c.params)-1], depth-1)
		}
	}
	return g.command(wanted, depth)
}

func (g *generator) function(wanted kind) (call, bool) {
	known := g.calls[wanted]
	if len(known) == 0 {
		return call{}, false
	}
	return known[g.random.IntN(len(known))], true
}

func (g *generator) command(wanted kind, depth int) string {
	if depth > 0 && (wanted == text || wanted == anything) && g.chance(6) {
		return g.printf(depth)
	}
	if depth > 0 && g.chance(3) {
		return g.pick(".meta.Hello "+g.operand(text, depth-1), ".meta.Sum "+g.operand(integer, depth-1)+" 2", ".meta.Config.GetNested.GetImage", "$.meta.None.GetImage", ".meta.Sum", ".meta.Fail", ".meta.None.Image", ".meta.Config.Nested.Image", ".meta.Config.GetNested")
	}
	if c, ok := g.function(wanted); ok && depth > 0 && g.chance(60) {
		return g.arguments(c, c.params, depth)
	}
	return g.operand(wanted, depth)
}

func (g *generator) arguments(c call, params []kind, depth int) string {
	if c.name == "dict" {
		params = nil
		for range g.random.IntN(3) {
			params = append(params, text, anything)
		}
	} else if c.variadic && len(params) > 0 {
		last := params[len(params)-1]
		for range g.random.IntN(3) {
			params = append(params[:len(params):len(params)], last)
		}
	}
	if g.chance(1) && len(params) > 0 {
		// One too few.
		params = params[1:]
	}
	out := c.name
	if c.cuts {
		defer func(before bool) { g.ascii = before }(g.ascii)
		g.ascii = true
	}
	if c.changes {
		return out + g.change(len(params))
	}
	for _, param := range params {
		if c.small && param != text {
			out += " " + g.pick("0", "1", "2", "5", "-1", "9")
		} else {
			out += " " + g.operand(param, depth-1)
		}
	}
	return out
}

// change gives the arguments of a function that puts things into a map: first a map that nothing holds.
func (g *generator) change(count int) string {
	maps := func() string { return g.pick(".em", `(dict "a" 2)`, `(dict "c" (dict "d" 3) "n" nil)`, "(dict)") }
	out := " " + maps()
	for range count - 1 {
		out += " " + g.pick(`(dict "a" 2)`, `(dict "c" (dict "d" 3) "n" nil)`, ".m", ".m.c", g.literal(text))
	}
	return out
}

func (g *generator) printf(depth int) string {
	format, count := "", 1+g.random.IntN(2)
	args := ""
	for range count {
		verb := g.pick("%", "%", "%", "%5", "%-6", "%05", "%+", "% ", "%#", "%.2", "%8.3", "%-+7.1", "%x", "%[1]", "%[2]", "%.0", "%+.3", "%#0") +
			g.pick("v", "v", "v", "d", "s", "q", "x", "X", "t", "T", "f", "g", "e", "G", "c", "b", "o", "O", "U", "%", "y", "E", "")
		format += g.pick("", "", "<", " ") + verb
		if !g.chance(5) {
			args += " " + g.operand(anything, depth-1)
		}
	}
	return fmt.Sprintf("printf %q%s", format, args)
}

// operand gives one argument.
func (g *generator) operand(wanted kind, depth int) string {
	out := g.freeOperand(wanted, depth)
	for g.ascii && !isASCII(out) {
		out = g.freeOperand(wanted, 0)
	}
	return out
}

// isASCII is also false of what may hold anything.
func isASCII(text string) bool {
	for _, doubtful := range []string{"é", "世", "\\u", "\\x", ".meta.Uni", "$a", "$b", "$x", "$k", "$v", "$w", "$)"} {
		if strings.Contains(text, doubtful) {
			return false
		}
	}
	return text != "." && text != "$" && !strings.Contains(text, " . ") && !strings.HasSuffix(text, " .") && !strings.Contains(text, "(.)") && !strings.Contains(text, " .)")
}

func (g *generator) freeOperand(wanted kind, depth int) string {
	if g.chance(3) {
		wanted = kind(g.random.IntN(int(kinds)))
	}
	if depth > 0 && g.chance(35) {
		out := "(" + g.pipeline(wanted, depth-1) + ")"
		if wanted == dictionary && g.chance(20) {
			out += g.pick(".a", ".c.d", ".zz")
		}
		return out
	}
	if g.chance(15) {
		out := g.variable()
		if g.chance(25) {
			out += g.pick(".a", ".m.b", ".s", ".zz.y", ".Name")
		}
		return out
	}
	if g.chance(12) {
		return g.literal(wanted)
	}
	field := g.field(wanted)
	if g.chance(20) && field[0] == '.' {
		return "$" + field
	}
	return field
}

func (g *generator) field(wanted kind) string {
	switch wanted {
	case text:
		return g.pick(".s", ".s", ".empty", ".lines", ".meta.Uni", ".html", ".digits", ".csv", ".m.b", ".sm.app", ".meta.Name", ".meta.Config.Image", ".sm.none", g.literal(text), g.literal(text))
	case integer:
		return g.pick(".n", ".neg", ".zero", "1", "2", "0", ".n", "3", g.literal(integer), ".i64", ".u")
	case float:
		return g.pick(".f", ".whole", ".f32", "1.5", "-0.25", g.literal(float))
	case boolean:
		return g.pick(".yes", ".no", "true", "false", ".s", ".none", ".absent")
	case list:
		return g.pick(".list", ".words", ".strs", ".ints", ".none", ".nolist", ".meta.Ports", ".m.c.d", ".words")
	case dictionary:
		return g.pick(".m", ".m", ".sm", ".em", ".nomap", ".m.c", ".meta.Labels", "(.meta.Extra)", "$")
	}
	switch g.random.IntN(8) {
	case 0:
		return g.pick(".meta", ".bare", ".meta.Config", ".meta.None", "(.meta.Extra)", ".bare.Extra", ".bare.Labels", ".bare.Ports", ".meta.Config.Nested")
	case 1:
		return g.pick(".nothing", ".absent", ".absent.deeper", ".m.c.none", "nil", ".bare.Extra.deeper", ".i32", ".u8", ".f32")
	case 2:
		return g.pick(".", "$", ".", ".")
	}
	return g.field(kind(1 + g.random.IntN(int(kinds)-1)))
}

func (g *generator) literal(wanted kind) string {
	switch wanted {
	case integer:
		return g.pick("0", "1", "-1", "7", "42", "0x10", "0b11", "0o17", "017", "1_000", "'a'", "'\\n'", "'世'", "+5", "9223372036854775807", "-9223372036854775808", "1e2", "1e2", "'x'", "5", g.pick("18446744073709551615", "-0"))
	case float:
		return g.pick("0.5", "-2.5", "1e3", "1e-7", "1e21", "0x1p4", "3.0", ".5", "123456789.0", "2.50", "6.02e23", g.pick("1e400", "0.1"))
	case boolean:
		return g.pick("true", "false")
	case list, dictionary:
		return g.field(wanted)
	}
	return g.pick(`""`, `"a"`, `"abc"`, `"a,b,c"`, `"a\nb"`, `"\t"`, `"é"`, "`raw \"x\"`", `"%d"`, `"<b>&'"`, `" padded "`, `"1"`, `"3.7"`, `"true"`,
		`"0x1F"`, `"Hello World"`, `"fooBar_baz-qux"`, `"k"`, `"app"`, `"b"`, `","`, `"\u4e16"`, `"\x41"`, `"[a-c]+"`, `"2024-02-29"`, `"2006-01-02"`, `"1.2.3"`, `"^1.2"`, `"aGk="`, `"http://u@h:1/p?q=1#f"`, `"/a/../b.txt"`, `"{\"a\":[1,null]}"`)
}
