//! The smallest pipeline that does something: three orders through the plugin `gross` to a CSV file.

use crate::workspace::Workspace;

pub const SOURCE: &str = "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\n\
                      types = { id = \"int64\", net = \"float64\" }\n";
pub const SINK: &str = "[sinks.out]\ntype = \"csv\"\ninputs = [\"gross\"]\npath = \"out\"\n";
pub const GROSS: &str = "[transforms.gross]\nplugin = \"gross\"\ninputs = [\"orders\"]\n\
                     config = { net = \"net\", rate = 0.5 }\n";

/// A folder with the orders.
pub fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("orders.csv", "id,name,net\n1,a,2.0\n2,b,4.0\n3,c,6.0\n");
    workspace
}
