// The fixed data that generated templates run over: JSON in which an object with one key that begins with `$`
// names a Go type. The same file is read by tests/recorded/data.rs.
package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Config has getters that answer on nil, as generated protobuf types have.
type Config struct {
	Image  string  `json:"Image,omitempty"`
	Nested *Config `json:"Nested,omitempty"`
}

func (c *Config) GetImage() string {
	if c == nil {
		return ""
	}
	return c.Image
}

func (c *Config) GetNested() *Config {
	if c == nil {
		return nil
	}
	return c.Nested
}

var config = &Config{Image: "registry/app:1"}

// Meta has fields of each kind, and methods with arguments.
type Meta struct {
	Name   string
	Labels map[string]string
	Ports  []int
	Extra  interface{}
}

func (m Meta) Hello(to string) string { return "hello " + to + " from " + m.Name }

func (m Meta) Sum(n ...int) int {
	sum := 0
	for _, n := range n {
		sum += n
	}
	return sum
}

// Config and the like are methods, so that no address is part of what prints.

func (m Meta) Config() *Config { return config }

func (m Meta) Uni() string { return "Grüße, 世界" }

func (m Meta) None() *Config { return nil }

func (m Meta) Upper() func(string) interface{} {
	return func(s string) interface{} { return strings.ToUpper(s) }
}

func (m Meta) Count() func(...interface{}) interface{} {
	return func(args ...interface{}) interface{} { return len(args) }
}

func (m Meta) Fail() (string, error) { return "", errors.New("no luck") }

// decode makes new values each time, since templates change maps.
func decode(v interface{}) interface{} {
	switch v := v.(type) {
	case []interface{}:
		list := make([]interface{}, len(v))
		for i, item := range v {
			list[i] = decode(item)
		}
		return list
	case map[string]interface{}:
		if len(v) == 1 {
			for key, inner := range v {
				if strings.HasPrefix(key, "$") {
					return typed(key[1:], inner)
				}
			}
		}
		m := make(map[string]interface{}, len(v))
		for key, item := range v {
			m[key] = decode(item)
		}
		return m
	}
	return v
}

// as converts by way of JSON.
func as[T any](v interface{}) T {
	var to T
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &to)
	}
	if err != nil {
		panic(err)
	}
	return to
}

func typed(name string, v interface{}) interface{} {
	switch name {
	case "int":
		return as[int](v)
	case "int64":
		return as[int64](v)
	case "int32":
		return as[int32](v)
	case "uint":
		return as[uint](v)
	case "uint8":
		return as[uint8](v)
	case "float32":
		return as[float32](v)
	case "strmap":
		return as[map[string]string](v)
	case "strings":
		return slices.Clip(as[[]string](v))
	case "ints":
		return slices.Clip(as[[]int](v))
	case "nilmap":
		return map[string]string(nil)
	case "nillist":
		return []string(nil)
	case "meta":
		meta := as[Meta](v)
		meta.Ports = slices.Clip(meta.Ports)
		meta.Extra = decode(meta.Extra)
		return meta
	}
	panic("unknown type $" + name)
}
