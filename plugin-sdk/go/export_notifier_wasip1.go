//go:build wasmill_notifier

package plugin

import (
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

// The exports of a notifier, as wit/notify.wit declares them.

//go:wasmexport wasmill:plugin/notify@0.1.0#describe
func notifyDescribe() unsafe.Pointer { return describe(kindNotifier) }

//go:wasmexport wasmill:plugin/notify@0.1.0#bind
func notifyBind(config uint32, configLength uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		_, err := of(kindNotifier).notifier(abi.Text(config, configLength))
		return nil, err
	})
}

//go:wasmexport wasmill:plugin/notify@0.1.0#notify
func notifyNotify(config uint32, configLength uint32, kind uint32, kindLength uint32, severity uint32,
	pipeline uint32, pipelineLength uint32, run uint32, runLength uint32, key uint32, keyLength uint32,
	time uint64, summary uint32, summaryLength uint32, details uint32, detailsLength uint32) unsafe.Pointer {
	return result(0, func() (func(abi.Place), error) {
		made, err := of(kindNotifier).notifier(abi.Text(config, configLength))
		if err != nil {
			return nil, err
		}
		return nil, made.Notify(Event{
			Kind: abi.Text(kind, kindLength), Severity: Severity(severity), Pipeline: abi.Text(pipeline, pipelineLength),
			Run: abi.Text(run, runLength), DedupKey: abi.Text(key, keyLength), TimeMillis: time,
			Summary: abi.Text(summary, summaryLength), Details: abi.Text(details, detailsLength),
		})
	})
}

//go:wasmexport cabi_post_wasmill:plugin/notify@0.1.0#describe
func notifyDescribed(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/notify@0.1.0#bind
func notifyBound(uint32) { abi.Release() }

//go:wasmexport cabi_post_wasmill:plugin/notify@0.1.0#notify
func notifyNotified(uint32) { abi.Release() }
