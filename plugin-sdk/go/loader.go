package plugin

// Stager is a loader: it stages the rows of one attempt at one split, invisible to readers of the target, and makes what was
// staged visible, or removes it.
type Stager interface {
	// Open prepares to stage the rows of one attempt.
	Open(attempt Attempt) error
	// Write stages one batch, but for the rows that it rejects.
	Write(batch *Batch, rejected *Rejected) error
	// Finish ends the attempt. The receipt is all that Commit needs to find what was staged.
	Finish() (Receipt, error)
}

// Committer makes staged rows visible. It is another value than the Stager: neither an input nor an attempt is there.
type Committer interface {
	// Commit is called once per run, possibly again with the same arguments after a crash: it must then do nothing more.
	Commit(run string, receipts []Receipt) error
	// Abort removes what was staged. The receipts may be gone already.
	Abort(run string, receipts []Receipt) error
}

// Attempt names an attempt at a split.
type Attempt struct {
	Run, Split string
	// ID is unique among all attempts at all splits.
	ID string
}

// Receipt says what was staged.
type Receipt struct {
	// Rows are those that were written and not rejected.
	Rows uint64
	// Reference is for the plugin's own use: where the rows were staged.
	Reference string
}

// Rejected is the rows of a batch that the target would refuse.
type Rejected struct{ findings findings }

// Reject puts a row into the quarantine. The column may be empty.
func (r *Rejected) Reject(row int, rule, column, message string) {
	r.findings.add(row, rule, column, message)
}

// Loader makes the program a loader. To be called in an init function. The first function is as that of Transformer; the second
// makes what commits.
func Loader[C any, S Stager, M Committer](open func(config C, plan *ReadPlan) (S, error), committer func(config C) (M, error)) {
	withCommitter := func(config string, act func(M) error) error {
		parsed, err := parseConfig[C](config)
		if err != nil {
			return err
		}
		made, err := committer(parsed)
		if err != nil {
			return err
		}
		return act(made)
	}
	register(kindLoader, &registration{
		configSchema: configSchema[C],
		loader: func(config string, schema Schema) (Stager, *ReadPlan, error) {
			plan := &ReadPlan{reads{schema: schema}}
			parsed, err := parseConfig[C](config)
			if err != nil {
				return nil, nil, err
			}
			made, err := open(parsed, plan)
			if err == nil {
				err = plan.Err()
			}
			return made, plan, err
		},
		commit: func(config, run string, receipts []Receipt) error {
			return withCommitter(config, func(made M) error { return made.Commit(run, receipts) })
		},
		abort: func(config, run string, receipts []Receipt) error {
			return withCommitter(config, func(made M) error { return made.Abort(run, receipts) })
		},
	})
}
