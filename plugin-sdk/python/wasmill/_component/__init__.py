"""What connects the SDK to the host: imported inside of a component only, where the generated bindings (`wit_world`) are.

`state` knows which plugin this is and guards every call; one module for each kind has the class that the bindings look for;
`script` gets a plugin from the host as source text, for components that run any.
"""
