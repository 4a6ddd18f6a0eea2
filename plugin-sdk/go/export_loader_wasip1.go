//go:build wasmill_loader

package plugin

import (
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

// The exports of a loader, as wit/load.wit declares them.

var opened struct {
	stager Stager
	fields []*Field
}

//go:wasmexport wasmill:plugin/load@0.1.0#describe
func loadDescribe() unsafe.Pointer { return describe(kindLoader) }

//go:wasmexport wasmill:plugin/load@0.1.0#bind
func loadBind(config uint32, configLength uint32, input uint32, inputCount uint32) unsafe.Pointer {
	return result(12, func() (func(abi.Place), error) {
		_, plan, err := of(kindLoader).loader(abi.Text(config, configLength), takeSchema(input, inputCount))
		return func(place abi.Place) { putReads(place, plan) }, err
	})
}

//go:wasmexport wasmill:plugin/load@0.1.0#open
func loadOpen(config uint32, configLength uint32, input uint32, inputCount uint32, run uint32,
	runLength uint32, split uint32, splitLength uint32, attempt uint32, attemptLength uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		made, plan, err := of(kindLoader).loader(abi.Text(config, configLength), takeSchema(input, inputCount))
		if err != nil {
			return nil, err
		}
		opened.stager, opened.fields = made, plan.reads.fields()
		return nil, made.Open(Attempt{
			Run: abi.Text(run, runLength), Split: abi.Text(split, splitLength), ID: abi.Text(attempt, attemptLength),
		})
	})
}

//go:wasmexport wasmill:plugin/load@0.1.0#write
func loadWrite(rows, encoding uint32, nodes uint32, nodeCount uint32) unsafe.Pointer {
	return result(8, func() (func(abi.Place), error) {
		if opened.stager == nil {
			return nil, errNotOpen
		}
		batch, err := takeBatch(rows, encoding, nodes, nodeCount, opened.fields)
		if err != nil {
			return nil, err
		}
		rejected := &Rejected{}
		err = opened.stager.Write(batch, rejected)
		return func(place abi.Place) { putFindings(place, rejected.findings.list) }, err
	})
}

//go:wasmexport wasmill:plugin/load@0.1.0#finish
func loadFinish() unsafe.Pointer {
	return result(16, func() (func(abi.Place), error) {
		if opened.stager == nil {
			return nil, errNotOpen
		}
		receipt, err := opened.stager.Finish()
		return func(place abi.Place) {
			place.PutU64(receipt.Rows)
			place.Field(8).PutString(receipt.Reference)
		}, err
	})
}

//go:wasmexport wasmill:plugin/load@0.1.0#commit
func loadCommit(config uint32, configLength uint32, run uint32, runLength uint32, receipts uint32,
	receiptCount uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		taken := takeReceipts(receipts, receiptCount)
		return nil, of(kindLoader).commit(abi.Text(config, configLength), abi.Text(run, runLength), taken)
	})
}

//go:wasmexport wasmill:plugin/load@0.1.0#abort
func loadAbort(config uint32, configLength uint32, run uint32, runLength uint32, receipts uint32,
	receiptCount uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		taken := takeReceipts(receipts, receiptCount)
		return nil, of(kindLoader).abort(abi.Text(config, configLength), abi.Text(run, runLength), taken)
	})
}

func takeReceipts(start, count uint32) []Receipt {
	receipts := make([]Receipt, count)
	for i := range receipts {
		item := abi.At(start).Field(16 * i)
		receipts[i] = Receipt{Rows: item.U64(), Reference: item.Field(8).String()}
	}
	return receipts
}

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#describe
func loadDescribed(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#bind
func loadBound(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#open
func loadOpened(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#write
func loadWritten(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#finish
func loadFinished(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#commit
func loadCommitted(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/load@0.1.0#abort
func loadAborted(uint32) { abi.Release() }
