"""`imatch pot`: wallets, grants, corrections, economy and policy of POT."""

import typer

from imatch.cli import pot_corrections, pot_grants, pot_policy, pot_simulate, pot_wallet

app = typer.Typer(help="POT: wallets, grants, economy, policy, simulation.", no_args_is_help=True)
app.command("balance")(pot_wallet.balance)
app.command("history")(pot_wallet.history)
app.command("spend")(pot_wallet.spend)
app.command("grant")(pot_grants.grant)
app.add_typer(pot_grants.app, name="grants")
app.command("refund")(pot_corrections.refund)
app.command("take-back")(pot_corrections.take_back)
app.command("economy")(pot_wallet.economy)
app.command("rules")(pot_wallet.rules)
app.add_typer(pot_policy.app, name="policy")
app.command("simulate")(pot_simulate.simulate)
