//go:build wasmill_extractor

package plugin

import (
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

// The exports of an extractor, as wit/extract.wit declares them.

var opened struct {
	source Source
	plan   *WritePlan
}

//go:wasmexport wasmill:plugin/extract@0.1.0#describe
func extractDescribe() unsafe.Pointer { return describe(kindExtractor) }

//go:wasmexport wasmill:plugin/extract@0.1.0#bind
func extractBind(config uint32, configLength uint32) unsafe.Pointer {
	return result(12, func() (func(abi.Place), error) {
		_, plan, err := of(kindExtractor).extractor(abi.Text(config, configLength))
		return func(place abi.Place) {
			putFields(place, plan.writes.fields...)
			place.Field(8).PutU8(0)
		}, err
	})
}

//go:wasmexport wasmill:plugin/extract@0.1.0#plan
func extractPlan(config uint32, configLength uint32, cursors uint32, cursorCount uint32) unsafe.Pointer {
	return result(8, func() (func(abi.Place), error) {
		source, _, err := of(kindExtractor).extractor(abi.Text(config, configLength))
		if err != nil {
			return nil, err
		}
		positions := make([]CursorPosition, cursorCount)
		for i := range positions {
			item := abi.At(cursors).Field(16 * i)
			positions[i] = CursorPosition{item.String(), item.Field(8).String()}
		}
		splits, err := source.Plan(positions)
		return func(place abi.Place) { putSplits(place, splits) }, err
	})
}

func putSplits(place abi.Place, splits []Split) {
	items := place.PutList(len(splits), 48)
	for i, split := range splits {
		item := items.Field(48 * i)
		item.PutString(split.ID)
		item.Field(8).PutString(split.Descriptor)
		putEstimate(item.Field(16), split.Rows)
		putEstimate(item.Field(32), split.Bytes)
	}
}

func putEstimate(place abi.Place, estimate *uint64) {
	place.PutBool(estimate != nil)
	if estimate != nil {
		place.Field(8).PutU64(*estimate)
	}
}

//go:wasmexport wasmill:plugin/extract@0.1.0#open
func extractOpen(config uint32, configLength uint32, id uint32, idLength uint32, descriptor uint32,
	descriptorLength uint32, hasRows uint32, rows uint64, hasBytes uint32, bytes uint64) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		source, plan, err := of(kindExtractor).extractor(abi.Text(config, configLength))
		if err != nil {
			return nil, err
		}
		split := Split{ID: abi.Text(id, idLength), Descriptor: abi.Text(descriptor, descriptorLength)}
		if hasRows == 1 {
			split.Rows = &rows
		}
		if hasBytes == 1 {
			split.Bytes = &bytes
		}
		opened.source, opened.plan = source, plan
		return nil, source.Open(split)
	})
}

//go:wasmexport wasmill:plugin/extract@0.1.0#next
func extractNext(maxRows uint32) unsafe.Pointer {
	return result(28, func() (func(abi.Place), error) {
		if opened.source == nil {
			return nil, errNotOpen
		}
		out := newExtracted(opened.plan)
		more, err := opened.source.Next(int(maxRows), out)
		if err != nil {
			return nil, err
		}
		if !more {
			return func(place abi.Place) { place.PutU8(0) }, nil
		}
		rows, err := out.rows()
		return func(place abi.Place) {
			place.PutU8(1)
			putExtracted(place.Field(4), out, rows)
		}, err
	})
}

func putExtracted(place abi.Place, out *Extracted, rows int) {
	place.PutU32(uint32(rows))
	place.Field(4).PutU8(0)
	putNodes(place.Field(8), out.columns...)
	items := place.Field(16).PutList(len(out.badRecords), 32)
	for i, bad := range out.badRecords {
		item := items.Field(32 * i)
		item.PutString(bad.position)
		item.Field(8).PutBytes(bad.raw)
		item.Field(16).PutString(bad.rule)
		item.Field(24).PutString(bad.message)
	}
}

//go:wasmexport wasmill:plugin/extract@0.1.0#cursor
func extractCursor() unsafe.Pointer {
	return result(12, func() (func(abi.Place), error) {
		if opened.source == nil {
			return nil, errNotOpen
		}
		position := ""
		if keeper, ok := opened.source.(CursorKeeper); ok {
			var err error
			if position, err = keeper.Cursor(); err != nil {
				return nil, err
			}
		}
		return func(place abi.Place) { place.PutOption(position) }, nil
	})
}

//go:wasmexport cabi_post_wasmill:plugin/extract@0.1.0#describe
func extractDescribed(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/extract@0.1.0#bind
func extractBound(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/extract@0.1.0#plan
func extractPlanned(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/extract@0.1.0#open
func extractOpened(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/extract@0.1.0#next
func extractRead(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/extract@0.1.0#cursor
func extractEnded(uint32) { abi.Release() }
