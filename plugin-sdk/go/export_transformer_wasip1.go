//go:build wasmill_transformer

package plugin

import (
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

// The exports of a transformer, as wit/transform.wit declares them.

var opened struct {
	transformer Processor
	plan        *Plan
	fields      []*Field
}

//go:wasmexport wasmill:plugin/transform@0.1.0#describe
func transformDescribe() unsafe.Pointer { return describe(kindTransformer) }

//go:wasmexport wasmill:plugin/transform@0.1.0#bind
func transformBind(config uint32, configLength uint32, input uint32, inputCount uint32) unsafe.Pointer {
	return result(32, func() (func(abi.Place), error) {
		_, plan, err := of(kindTransformer).transformer(abi.Text(config, configLength), takeSchema(input, inputCount))
		return func(place abi.Place) { putBinding(place, plan) }, err
	})
}

//go:wasmexport wasmill:plugin/transform@0.1.0#open
func transformOpen(config uint32, configLength uint32, input uint32, inputCount uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		made, plan, err := of(kindTransformer).transformer(abi.Text(config, configLength), takeSchema(input, inputCount))
		if err != nil {
			return nil, err
		}
		opened.transformer, opened.plan, opened.fields = made, plan, plan.reads.fields()
		if opener, ok := made.(Opener); ok {
			return nil, opener.Open()
		}
		return nil, nil
	})
}

//go:wasmexport wasmill:plugin/transform@0.1.0#process
func transformProcess(rows, encoding uint32, nodes uint32, nodeCount uint32) unsafe.Pointer {
	return result(16, func() (func(abi.Place), error) {
		if opened.plan == nil {
			return nil, errNotOpen
		}
		batch, err := takeBatch(rows, encoding, nodes, nodeCount, opened.fields)
		if err != nil {
			return nil, err
		}
		out := newRows(batch, opened.plan)
		if err := opened.transformer.Process(batch, out); err != nil {
			return nil, err
		}
		done, err := out.processed()
		return func(place abi.Place) {
			putOutputs(place, done.outputs)
			putFindings(place.Field(8), done.findings)
		}, err
	})
}

//go:wasmexport wasmill:plugin/transform@0.1.0#finish
func transformFinish() unsafe.Pointer {
	return result(8, func() (func(abi.Place), error) {
		if opened.plan == nil {
			return nil, errNotOpen
		}
		var outputs []output
		if finisher, ok := opened.transformer.(Finisher); ok {
			out := newDetachedRows(opened.plan)
			if err := finisher.Finish(out); err != nil {
				return nil, err
			}
			var err error
			if outputs, err = out.outputs(); err != nil {
				return nil, err
			}
		}
		return func(place abi.Place) { putOutputs(place, outputs) }, nil
	})
}

//go:wasmexport cabi_post_wasmill:plugin/transform@0.1.0#describe
func transformDescribed(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/transform@0.1.0#bind
func transformBound(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/transform@0.1.0#open
func transformOpened(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/transform@0.1.0#process
func transformProcessed(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/transform@0.1.0#finish
func transformFinished(uint32) { abi.Release() }

func putBinding(place abi.Place, plan *Plan) {
	putPositions(place, plan.reads.positions)
	place.Field(8).PutU8(0)
	columns := place.Field(12).PutList(len(plan.columns), 16)
	for i, column := range plan.columns {
		item := columns.Field(16 * i)
		if column.slot >= 0 {
			item.PutU8(1)
			putFields(item.Field(4), plan.writes.fields[column.slot])
			continue
		}
		item.PutU8(0)
		item.Field(4).PutU32(uint32(column.position))
		item.Field(8).PutString(column.name)
	}
	place.Field(20).PutU8(uint8(plan.scope))
	if plan.scope == scopeKeyed {
		putPositions(place.Field(24), plan.keys)
	}
}

func putOutputs(place abi.Place, outputs []output) {
	items := place.PutList(len(outputs), 24)
	for i := range outputs {
		out, item := &outputs[i], items.Field(24*i)
		item.PutU8(uint8(out.kind))
		switch out.kind {
		case selectBitmap:
			item.Field(4).PutBytes(out.bitmap)
		case selectIndices:
			item.Field(4).PutU32s(out.indices)
		case selectDetached:
			item.Field(4).PutU32(uint32(out.count))
		}
		item.Field(12).PutU8(0)
		columns := item.Field(16).PutList(len(out.columns), 12)
		for j, column := range out.columns {
			place := columns.Field(12 * j)
			switch {
			case column.keep >= 0:
				place.PutU8(0)
				place.Field(4).PutU32(uint32(column.keep))
				continue
			case out.perRow:
				place.PutU8(2)
			default:
				place.PutU8(1)
			}
			putNodes(place.Field(4), column.array)
		}
	}
}
