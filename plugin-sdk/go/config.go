package plugin

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A configuration is a struct. Its fields say with tags what its JSON Schema is:
//
//	type Config struct {
//		Net  string  `json:"net" doc:"The column with the price before tax."`
//		Rate float64 `json:"rate" doc:"The tax rate." default:"0.19" minimum:"0"`
//		Mode string  `json:"mode" enum:"round,cut" default:"round"`
//	}
//
// A field is optional where it has a default (JSON, or the bare text of a string), is a pointer, is marked omitempty, or is a
// struct all of whose fields are optional. Keys that no field has are refused. Fields may be booleans, numbers, strings, slices,
// maps with string keys, structs, pointers to those, any, and types that implement encoding.TextUnmarshaler.

// member is a field of a configuration struct.
type member struct {
	index         int
	name          string
	field         reflect.StructField
	defaults      string
	hasDefault    bool
	mayBeLeftAway bool
}

func members(t reflect.Type) []member {
	var list []member
	for index := range t.NumField() {
		field := t.Field(index)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		m := member{index: index, name: name, field: field}
		m.defaults, m.hasDefault = field.Tag.Lookup("default")
		m.mayBeLeftAway = m.hasDefault || field.Type.Kind() == reflect.Pointer ||
			strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") || isOptional(field.Type)
		list = append(list, m)
	}
	return list
}

// isOptional says whether a struct can do without any of its fields.
func isOptional(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || isText(t) {
		return false
	}
	for _, m := range members(t) {
		if !m.mayBeLeftAway {
			return false
		}
	}
	return true
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textUnmarshaler) }

// defaultValue is the default of a member as JSON: what is no JSON is the text of a string.
func (m *member) defaultValue() any {
	if m.field.Type.Kind() != reflect.String {
		if value, err := parseJSON(m.defaults); err == nil {
			return value
		}
	}
	return m.defaults
}

func parseJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}

func parseConfig[C any](text string) (C, error) {
	var config C
	value, err := parseJSON(text)
	if err != nil {
		return config, BadConfig("", err.Error())
	}
	return config, decode(value, reflect.ValueOf(&config).Elem(), "")
}

// decode stores a JSON value; the error says with a JSON pointer where it does not fit.
func decode(value any, into reflect.Value, pointer string) error {
	t := into.Type()
	mismatch := func(want string) error {
		return BadConfig(pointer, fmt.Sprintf("%s is needed", want))
	}
	if isText(t) {
		text, ok := value.(string)
		if !ok {
			return mismatch("a string")
		}
		if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return BadConfig(pointer, err.Error())
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		if value == nil {
			return nil
		}
		into.Set(reflect.New(t.Elem()))
		return decode(value, into.Elem(), pointer)
	case reflect.Bool:
		v, ok := value.(bool)
		if !ok {
			return mismatch("true or false")
		}
		into.SetBool(v)
	case reflect.String:
		v, ok := value.(string)
		if !ok {
			return mismatch("a string")
		}
		into.SetString(v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v, ok := wholeNumber(value)
		n, err := strconv.ParseInt(v, 10, t.Bits())
		if !ok || err != nil {
			return mismatch(fmt.Sprintf("a whole number of %d bits", t.Bits()))
		}
		into.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v, ok := wholeNumber(value)
		n, err := strconv.ParseUint(v, 10, t.Bits())
		if !ok || err != nil {
			return mismatch(fmt.Sprintf("a whole number of %d bits that is not negative", t.Bits()))
		}
		into.SetUint(n)
	case reflect.Float32, reflect.Float64:
		v, ok := value.(json.Number)
		n, err := v.Float64()
		if !ok || err != nil {
			return mismatch("a number")
		}
		into.SetFloat(n)
	case reflect.Slice:
		v, ok := value.([]any)
		if !ok {
			return mismatch("an array")
		}
		into.Set(reflect.MakeSlice(t, len(v), len(v)))
		for i, item := range v {
			if err := decode(item, into.Index(i), pointer+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		v, ok := value.(map[string]any)
		if !ok {
			return mismatch("an object")
		}
		into.Set(reflect.MakeMap(t))
		for key, item := range v {
			made := reflect.New(t.Elem()).Elem()
			if err := decode(item, made, pointer+"/"+escapePointer(key)); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), made)
		}
	case reflect.Struct:
		v, ok := value.(map[string]any)
		if !ok {
			return mismatch("an object")
		}
		return decodeStruct(v, into, pointer)
	case reflect.Interface:
		if value != nil {
			into.Set(reflect.ValueOf(plain(value)))
		}
	default:
		return fatalf("a configuration cannot have a field of type %s", t)
	}
	return nil
}

// wholeNumber is the digits of a number; those of 2.0 are 2.
func wholeNumber(value any) (string, bool) {
	v, ok := value.(json.Number)
	text, fraction, hasFraction := strings.Cut(v.String(), ".")
	return text, ok && (!hasFraction || strings.Trim(fraction, "0") == "")
}

func decodeStruct(value map[string]any, into reflect.Value, pointer string) error {
	known := 0
	for _, m := range members(into.Type()) {
		item, given := value[m.name]
		field := into.Field(m.index)
		switch {
		case given:
			known++
		case m.hasDefault:
			item = m.defaultValue()
		case !m.mayBeLeftAway:
			return BadConfig(pointer, fmt.Sprintf("`%s` is missing", m.name))
		case field.Kind() == reflect.Struct && !isText(field.Type()):
			item = map[string]any{}
		default:
			continue
		}
		if err := decode(item, field, pointer+"/"+escapePointer(m.name)); err != nil {
			return err
		}
	}
	if known < len(value) {
		for key := range value {
			if !hasMember(into.Type(), key) {
				return BadConfig(pointer+"/"+escapePointer(key), "there is no such key")
			}
		}
	}
	return nil
}

func hasMember(t reflect.Type, name string) bool {
	for _, m := range members(t) {
		if m.name == name {
			return true
		}
	}
	return false
}

// plain makes float64 of numbers, as encoding/json does.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		number, _ := v.Float64()
		return number
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	}
	return value
}

func escapePointer(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// configSchema is the JSON Schema of a configuration, draft 2020-12.
func configSchema[C any]() string {
	t := reflect.TypeFor[C]()
	schema := object{}
	schema.add("$schema", "https://json-schema.org/draft/2020-12/schema")
	schema = append(schema, schemaOf(t)...)
	return schema.String()
}

// object is a JSON object whose keys keep their order.
type object []entry

type entry struct {
	key   string
	value any
}

func (o *object) add(key string, value any) { *o = append(*o, entry{key, value}) }

func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, e := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		key, _ := json.Marshal(e.key)
		value, err := json.Marshal(e.value)
		if err != nil {
			return nil, err
		}
		text.Write(key)
		text.WriteByte(':')
		text.Write(value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

func (o object) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func schemaOf(t reflect.Type) object {
	schema := object{}
	if isText(t) {
		schema.add("type", "string")
		return schema
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		schema.add("type", "boolean")
	case reflect.String:
		schema.add("type", "string")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		schema.add("type", "integer")
		if t.Bits() < 64 {
			schema.add("minimum", -1<<(t.Bits()-1))
			schema.add("maximum", 1<<(t.Bits()-1)-1)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		schema.add("type", "integer")
		schema.add("minimum", 0)
		if t.Bits() < 64 {
			schema.add("maximum", 1<<t.Bits()-1)
		}
	case reflect.Float32, reflect.Float64:
		schema.add("type", "number")
	case reflect.Slice:
		schema.add("type", "array")
		schema.add("items", schemaOf(t.Elem()))
	case reflect.Map:
		schema.add("type", "object")
		schema.add("additionalProperties", schemaOf(t.Elem()))
	case reflect.Struct:
		properties, required := object{}, []string{}
		for _, m := range members(t) {
			properties.add(m.name, m.schema())
			if !m.mayBeLeftAway {
				required = append(required, m.name)
			}
		}
		schema.add("type", "object")
		schema.add("properties", properties)
		if len(required) > 0 {
			schema.add("required", required)
		}
		schema.add("additionalProperties", false)
	case reflect.Interface:
	default:
		panic("a configuration cannot have a field of type " + t.String())
	}
	return schema
}

func (m *member) schema() object {
	schema := schemaOf(m.field.Type)
	tag := m.field.Tag
	if doc, ok := tag.Lookup("doc"); ok {
		schema.add("description", doc)
	}
	if values, ok := tag.Lookup("enum"); ok {
		schema.add("enum", strings.Split(values, ","))
	}
	for _, limit := range []string{"minimum", "maximum"} {
		if value, ok := tag.Lookup(limit); ok {
			schema.replace(limit, json.Number(value))
		}
	}
	if m.hasDefault {
		schema.add("default", m.defaultValue())
	}
	return schema
}

func (o *object) replace(key string, value any) {
	for i := range *o {
		if (*o)[i].key == key {
			(*o)[i].value = value
			return
		}
	}
	o.add(key, value)
}
