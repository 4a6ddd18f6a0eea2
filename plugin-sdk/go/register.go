package plugin

// What the program is, as its init functions said.

type pluginKind string

const (
	kindTransformer pluginKind = "transformer"
	kindValidator   pluginKind = "validator"
	kindExtractor   pluginKind = "extractor"
	kindLoader      pluginKind = "loader"
	kindNotifier    pluginKind = "notifier"
)

// registration is a plugin without the types of its configuration and its state.
type registration struct {
	configSchema func() string
	transformer  func(config string, schema Schema) (Processor, *Plan, error)
	validator    func(config string, schema Schema) (checker, *ReadPlan, error)
	extractor    func(config string) (Source, *WritePlan, error)
	loader       func(config string, schema Schema) (Stager, *ReadPlan, error)
	commit       func(config, run string, receipts []Receipt) error
	abort        func(config, run string, receipts []Receipt) error
	notifier     func(config string) (Notifying, error)
}

var (
	registered     *registration
	registeredKind pluginKind
)

// Set by the linker: plugin.toml says it.
var name, version, summary string

func register(kind pluginKind, made *registration) {
	if registered != nil {
		panic("two plugins are registered: a " + string(registeredKind) + " and a " + string(kind))
	}
	registeredKind, registered = kind, made
}

// of is the plugin, which must be of the kind that it was built for.
func of(kind pluginKind) *registration {
	switch registeredKind {
	case kind:
		return registered
	case "":
		panic("no plugin is registered: an init function must call plugin." + map[pluginKind]string{
			kindTransformer: "Transformer", kindValidator: "Validator", kindExtractor: "Extractor", kindLoader: "Loader",
			kindNotifier: "Notifier",
		}[kind])
	}
	panic("plugin.toml says that the plugin is a " + string(kind) + ", its code registers a " + string(registeredKind))
}
