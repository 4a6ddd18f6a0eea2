// The transformer of the conformance suite: what it does is chosen by its configuration.
package main

import (
	"wasmill.dev/plugin"
)

// Config says which case it is.
type Config struct {
	Case       string  `json:"case" doc:"What the transformer does." enum:"copy,keep,rename,even,reverse,explode,running,count,hold,reject,unchanged,words,add,defaults,log,time,http,fail,exhaust"`
	Way        string  `json:"way" doc:"By columns or by rows." enum:"columns,rows" default:"columns"`
	By         string  `json:"by" doc:"How columns are copied." enum:"values,buffers" default:"values"`
	At         string  `json:"at" doc:"Where it fails." enum:"bind,open,process,finish" default:"process"`
	Kind       string  `json:"kind" doc:"How it fails." enum:"retryable,retryable-after,fatal,bad-config,bad-schema,exception" default:"fatal"`
	What       string  `json:"what" doc:"What it exhausts." enum:"fuel,memory,stack" default:"fuel"`
	Connection string  `json:"connection" doc:"Where it asks." default:"server"`
	Options    Options `json:"options" doc:"To be told back."`
}

// Options has something of everything.
type Options struct {
	Text   string  `json:"text" default:"standard"`
	Number int64   `json:"number" default:"7"`
	Ratio  float64 `json:"ratio" default:"0.5"`
	Flag   bool    `json:"flag" default:"true"`
	List   []int64 `json:"list" default:"[1, 2]"`
	Nested Nested  `json:"nested"`
}

// Nested is below.
type Nested struct {
	Depth int64 `json:"depth" default:"1"`
}

func init() { plugin.Transformer(open) }

func main() {}

// cases by their names; those that do both ways have another one for rows.
var (
	byColumns = map[string]func(*plugin.Plan, Config) (plugin.Processor, error){
		"copy": newCopy, "keep": newKeep, "rename": newRename, "even": newEven, "reverse": newReverse, "explode": newExplode,
		"running": newRunning, "count": newCount, "hold": newHold, "reject": newReject, "unchanged": newUnchanged,
		"words": newWords, "add": newAdd, "defaults": newDefaults, "log": newLog, "time": newTime, "http": newHTTP,
		"fail": newFail, "exhaust": newExhaust,
	}
	byRows = map[string]func(*plugin.Plan, Config) (plugin.Processor, error){
		"copy": newCopyRows, "even": newEvenRows, "reverse": newReverseRows, "explode": newExplodeRows, "hold": newHoldRows,
		"reject": newRejectRows, "words": newWordsRows, "add": newAddRows,
	}
)

func open(config Config, plan *plugin.Plan) (plugin.Processor, error) {
	if made, ok := byRows[config.Case]; ok && config.Way == "rows" {
		return made(plan, config)
	}
	return byColumns[config.Case](plan, config)
}

// process is a transformer that is no more than a function.
type process func(batch *plugin.Batch, out *plugin.Rows) error

func (p process) Process(batch *plugin.Batch, out *plugin.Rows) error { return p(batch, out) }
