# /// script
# [tool.wasmill]
# name = "@NAME@"
# version = "0.1.0"
# summary = "@SUMMARY@"
# kind = "@KIND@"
# http = @HTTP@
# ///
