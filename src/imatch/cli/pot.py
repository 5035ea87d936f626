"""`imatch pot`: the token's wallet, economy and policy from the command line."""

import typer

from imatch.cli import pot_policy, pot_simulate

app = typer.Typer(help="POT: balances, economy, policy, simulation.", no_args_is_help=True)
app.add_typer(pot_policy.app, name="policy")
app.command("simulate")(pot_simulate.simulate)
