//go:build wasmill_validator

package plugin

import (
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

// The exports of a validator, as wit/validate.wit declares them.

var opened struct {
	validator checker
	fields    []*Field
}

//go:wasmexport wasmill:plugin/validate@0.1.0#describe
func validateDescribe() unsafe.Pointer { return describe(kindValidator) }

//go:wasmexport wasmill:plugin/validate@0.1.0#bind
func validateBind(config uint32, configLength uint32, input uint32, inputCount uint32) unsafe.Pointer {
	return result(12, func() (func(abi.Place), error) {
		_, plan, err := of(kindValidator).validator(abi.Text(config, configLength), takeSchema(input, inputCount))
		return func(place abi.Place) { putReads(place, plan) }, err
	})
}

//go:wasmexport wasmill:plugin/validate@0.1.0#open
func validateOpen(config uint32, configLength uint32, input uint32, inputCount uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		made, plan, err := of(kindValidator).validator(abi.Text(config, configLength), takeSchema(input, inputCount))
		if err != nil {
			return nil, err
		}
		opened.validator, opened.fields = made, plan.reads.fields()
		return nil, nil
	})
}

//go:wasmexport wasmill:plugin/validate@0.1.0#check
func validateCheck(rows, encoding uint32, nodes uint32, nodeCount uint32) unsafe.Pointer {
	return result(16, func() (func(abi.Place), error) {
		if opened.validator == nil {
			return nil, errNotOpen
		}
		batch, err := takeBatch(rows, encoding, nodes, nodeCount, opened.fields)
		if err != nil {
			return nil, err
		}
		verdict := &Verdict{}
		state, err := opened.validator.check(batch, verdict)
		return func(place abi.Place) {
			warned, rejected := verdict.warned.list, verdict.rejected.list
			items := place.PutList(len(warned)+len(rejected), 40)
			for i := range warned {
				items.Field(40 * i).PutU8(0)
				putFinding(items.Field(40*i+4), &warned[i])
			}
			items = items.Field(40 * len(warned))
			for i := range rejected {
				items.Field(40 * i).PutU8(1)
				putFinding(items.Field(40*i+4), &rejected[i])
			}
			place.Field(8).PutBytes(state)
		}, err
	})
}

//go:wasmexport wasmill:plugin/validate@0.1.0#merge
func validateMerge(partials uint32, count uint32) unsafe.Pointer {
	return result(8, func() (func(abi.Place), error) {
		if opened.validator == nil {
			return nil, errNotOpen
		}
		states := make([][]byte, count)
		for i := range states {
			states[i] = abi.At(partials).Field(8 * i).Bytes()
		}
		state, err := opened.validator.merge(states)
		return func(place abi.Place) { place.PutBytes(state) }, err
	})
}

//go:wasmexport wasmill:plugin/validate@0.1.0#conclude
func validateConclude(state uint32, length uint32) unsafe.Pointer {
	return result(16, func() (func(abi.Place), error) {
		if opened.validator == nil {
			return nil, errNotOpen
		}
		conclusion, err := opened.validator.conclude([]byte(abi.Text(state, length)))
		return func(place abi.Place) { putConclusion(place, &conclusion) }, err
	})
}

func putConclusion(place abi.Place, conclusion *Conclusion) {
	rules := place.PutList(len(conclusion.Rules), 48)
	for i, rule := range conclusion.Rules {
		item := rules.Field(48 * i)
		item.PutString(rule.Rule)
		item.Field(8).PutOption(rule.Column)
		item.Field(20).PutU8(uint8(rule.Outcome))
		item.Field(24).PutString(rule.Message)
		item.Field(32).PutU64(rule.Checked)
		item.Field(40).PutU64(rule.Violated)
	}
	metrics := place.Field(8).PutList(len(conclusion.Metrics), 16)
	for i, metric := range conclusion.Metrics {
		metrics.Field(16 * i).PutString(metric.Name)
		metrics.Field(16*i + 8).PutF64(metric.Value)
	}
}

//go:wasmexport cabi_post_wasmill:plugin/validate@0.1.0#describe
func validateDescribed(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/validate@0.1.0#bind
func validateBound(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/validate@0.1.0#open
func validateOpened(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/validate@0.1.0#check
func validateChecked(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/validate@0.1.0#merge
func validateMerged(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/validate@0.1.0#conclude
func validateConcluded(uint32) { abi.Release() }
