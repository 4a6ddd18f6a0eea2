package plugin

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
)

// States of validators cross as their fields one behind another: numbers as eight bytes, the lengths of strings, slices and
// maps as variable-length integers before them. All numbers survive, NaN and infinities too.

func encodeState[S any](state *S) ([]byte, error) {
	return appendState(nil, reflect.ValueOf(state).Elem())
}

func decodeState[S any](encoded []byte, state *S) error {
	if len(encoded) == 0 {
		// Of a batch that was never judged.
		return nil
	}
	rest, err := takeState(encoded, reflect.ValueOf(state).Elem())
	if err == nil && len(rest) > 0 {
		err = fatalf("a state is longer than what it should hold")
	}
	return err
}

func appendState(buffer []byte, v reflect.Value) ([]byte, error) {
	var err error
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(buffer, 1), nil
		}
		return append(buffer, 0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.LittleEndian.AppendUint64(buffer, uint64(v.Int())), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.LittleEndian.AppendUint64(buffer, v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return binary.LittleEndian.AppendUint64(buffer, math.Float64bits(v.Float())), nil
	case reflect.String:
		buffer = binary.AppendUvarint(buffer, uint64(v.Len()))
		return append(buffer, v.String()...), nil
	case reflect.Slice, reflect.Array:
		buffer = binary.AppendUvarint(buffer, uint64(v.Len()))
		for i := range v.Len() {
			if buffer, err = appendState(buffer, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return buffer, nil
	case reflect.Map:
		// In the order of their encoding, so that equal states are equal bytes.
		entries := make([]string, 0, v.Len())
		for iterator := v.MapRange(); iterator.Next(); {
			item, err := appendState(nil, iterator.Key())
			if err == nil {
				item, err = appendState(item, iterator.Value())
			}
			if err != nil {
				return nil, err
			}
			entries = append(entries, string(item))
		}
		slices.Sort(entries)
		buffer = binary.AppendUvarint(buffer, uint64(len(entries)))
		for _, item := range entries {
			buffer = append(buffer, item...)
		}
		return buffer, nil
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				return nil, fatalf("the state's field %s.%s is not exported, so it cannot cross", v.Type(), v.Type().Field(i).Name)
			}
			if buffer, err = appendState(buffer, v.Field(i)); err != nil {
				return nil, err
			}
		}
		return buffer, nil
	case reflect.Pointer:
		if v.IsNil() {
			return append(buffer, 0), nil
		}
		return appendState(append(buffer, 1), v.Elem())
	}
	return nil, fatalf("a state cannot hold a %s", v.Type())
}

func takeState(buffer []byte, v reflect.Value) ([]byte, error) {
	short := fatalf("a state is shorter than what it should hold")
	var err error
	switch v.Kind() {
	case reflect.Bool:
		if len(buffer) < 1 {
			return nil, short
		}
		v.SetBool(buffer[0] == 1)
		return buffer[1:], nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16,
		reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		if len(buffer) < 8 {
			return nil, short
		}
		number := binary.LittleEndian.Uint64(buffer)
		switch {
		case v.CanInt():
			v.SetInt(int64(number))
		case v.CanUint():
			v.SetUint(number)
		default:
			v.SetFloat(math.Float64frombits(number))
		}
		return buffer[8:], nil
	case reflect.Struct:
		for i := range v.NumField() {
			if buffer, err = takeState(buffer, v.Field(i)); err != nil {
				return nil, err
			}
		}
		return buffer, nil
	case reflect.Pointer:
		if len(buffer) < 1 {
			return nil, short
		}
		if buffer[0] == 0 {
			return buffer[1:], nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return takeState(buffer[1:], v.Elem())
	}
	length, size := binary.Uvarint(buffer)
	if size <= 0 || length > uint64(len(buffer)) {
		return nil, short
	}
	buffer = buffer[size:]
	count := int(length)
	switch v.Kind() {
	case reflect.String:
		if len(buffer) < count {
			return nil, short
		}
		v.SetString(string(buffer[:count]))
		return buffer[count:], nil
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), count, count))
		fallthrough
	case reflect.Array:
		for i := range min(count, v.Len()) {
			if buffer, err = takeState(buffer, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return buffer, nil
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range count {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			if buffer, err = takeState(buffer, key); err != nil {
				return nil, err
			}
			if buffer, err = takeState(buffer, value); err != nil {
				return nil, err
			}
			v.SetMapIndex(key, value)
		}
		return buffer, nil
	}
	return nil, fatalf("a state cannot hold a %s", v.Type())
}
