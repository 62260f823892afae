"""ANEEL's code lists: channels, levels, states, verdicts and the tree of complaint types (aneel.md 4).

Terms are Portuguese, as the people who handle the cases say them.
"""

from __future__ import annotations

from types import MappingProxyType

from wattdeck.core.text import clean

CHANNELS = MappingProxyType(
    {
        1: "presencial",
        2: "telefônico",
        3: "agência virtual",
        4: "consumidor.gov",
        5: "aplicativo",
        6: "e-mail",
        7: "SMS",
        8: "redes sociais",
        9: "outros",
        10: "chatbot",
        11: "chat humano",
        12: "WhatsApp",
    }
)
"""`idcCanalAtendimento`: how the consumer came."""

LEVELS_OF_SERVICE = MappingProxyType({1: "1º nível", 2: "2º nível (Ouvidoria)"})
"""`idcNivelAtendimento`, of the counts. Another coding than the next one's: this is that plus one."""

LEVELS_OF_TREATMENT = MappingProxyType({0: "1º nível", 1: "Ouvidoria", 2: "outros"})
"""`idcNivelTratamento`, of one demand."""

DEMAND_STATUS = MappingProxyType({0: "em andamento", 1: "encerrada", 2: "outros"})
"""`idcStatus`."""

VERDICTS = MappingProxyType({0: "improcedente", 1: "procedente", 2: "em tratamento", 3: "outros / não se aplica"})
"""`idcProcedencia`."""

OTHERS = "99"

_FAMILIES = {
    "101": "informação",
    "102": "reclamação",
    "103": "solicitação de serviço",
    "104": "denúncia",
    "105": "elogio",
    "106": "sugestão",
    "107": "cancelamento de serviço",
    "108": "encerramento contratual",
}
"""The first three digits. Those without a branch below are leaves themselves."""

_BRANCHES: dict[str, tuple[str, ...]] = {
    "101": (
        "ligação",
        "cadastro e contratos",
        "benefícios tarifários",
        "medição",
        "leitura",
        "tarifas e faturamento",
        "serviços cobráveis",
        "pagamento",
        "suspensão do fornecimento",
        "procedimento irregular",
        "estrutura de atendimento",
        "qualidade do serviço",
        "ressarcimento de danos",
        "manutenção da rede",
        "geração distribuída",
        "prazos",
        "instalação interna",
        "iluminação pública",
        "legislação",
        "normas técnicas",
        "eficiência energética",
        "caminho do entendimento",
    ),
    "10201": (
        "não atendida ou com atraso",
        "orçamento ou participação financeira",
        "devolução de antecipação",
        "prazo com obras",
        "prazo sem obras",
    ),
    "10202": (
        "dados cadastrais",
        "uso de dados sem autorização",
        "contrato e encerramento",
        "troca de titularidade",
    ),
    "10203": ("medidor ausente", "medidor com defeito", "lacre"),
    "10204": (
        "impedimento de acesso",
        "erro de leitura",
        "variação de consumo",
        "outras grandezas",
        "tarifa",
        "classe ou subsídio",
        "faturamento por estimativa",
        "custo de disponibilidade",
        "devolução não recebida",
        "bandeiras tarifárias",
        "tributos",
        "COSIP",
        "entrega da fatura",
        "qualidade da impressão",
    ),
    "10205": (
        "multa e juros por atraso",
        "períodos anteriores",
        "parcelamento",
        "serviços cobráveis",
        "atividades acessórias",
    ),
    "10206": (
        "pagamento não reconhecido",
        "falta de local de pagamento",
        "suspensão indevida",
        "religação com atraso",
        "inclusão em cadastro de inadimplentes",
        "empresa de cobrança",
    ),
    "10207": (
        "valores",
        "provas insuficientes",
        "TOI não recebido",
        "responsabilidade",
        "cobrança por autorreligação",
    ),
    "10208": (
        "conduta de empregados",
        "atendimento presencial",
        "atendimento telefônico",
        "atendimento pela internet",
        "outros canais",
    ),
    "10209": ("falta de energia", "interrupções frequentes", "interrupção programada", "nível de tensão"),
    "10210": ("danos", "vistoria", "laudo ou orçamento", "ressarcimento a menor", "indeferimento"),
    "10212": (
        "cabo partido",
        "poste",
        "transformador",
        "objeto na rede",
        "poda de árvores",
        "entulho",
    ),
    "10213": ("conexão", "faturamento", "variação", "entrega da fatura"),
}
"""Group -> terms of its leaves 01, 02, ...; each of these groups has a leaf 99, others, as well."""

_COMPLAINTS = {
    "10201": "ligação",
    "10202": "cadastro",
    "10203": "medição",
    "10204": "leitura e faturamento",
    "10205": "cobranças",
    "10206": "pagamento e suspensão",
    "10207": "irregularidade",
    "10208": "atendimento",
    "10209": "qualidade do fornecimento",
    "10210": "danos elétricos",
    "10211": "danos não elétricos",
    "10212": "rede",
    "10213": "geração distribuída",
    "10214": "prazos (outros)",
    "10215": "instalação interna",
    "10216": "iluminação pública",
    "10217": "outros",
}
"""Below 102. Those without a branch are leaves."""

_WRONGDOING = {
    "10401": "ligação clandestina",
    "10402": "fraude",
    "10403": "empregados",
    "10404": "meio ambiente",
    "10405": "furto de cabos",
    "10406": "outros",
}


def _leaves() -> dict[str, str]:
    leaves = {code: term for code, term in _FAMILIES.items() if code not in ("101", "102", "104")}
    leaves |= {code: term for code, term in _COMPLAINTS.items() if code not in _BRANCHES} | _WRONGDOING
    for group, terms in _BRANCHES.items():
        leaves |= {f"{group}{number:02}": term for number, term in enumerate(terms, 1)}
        leaves[group + OTHERS] = "outros"
    return dict(sorted(leaves.items()))


TYPOLOGIES = MappingProxyType(_leaves())
"""`idcTipologia`: the 117 leaves, code -> term within its group."""

TYPOLOGY_GROUPS = MappingProxyType(
    {code: _FAMILIES[code] for code in ("101", "102", "104")}
    | {code: term for code, term in _COMPLAINTS.items() if code in _BRANCHES}
)
"""Codes that stand for all leaves below them: never on the wire themselves."""


def group_of(code: str) -> str:
    """The group a leaf or a group belongs to; empty for the first three digits and for what is no code."""
    if len(code) not in (5, 7) or not (code in TYPOLOGIES or code in TYPOLOGY_GROUPS):
        return ""
    return code[:-2]


def typology_words(code: str) -> str:
    """A type with its group, for people: `qualidade do fornecimento: falta de energia`.

    A code that is none of the 117 is shown as it came, and said to be unknown.
    """
    if (term := TYPOLOGIES.get(code)) is not None:
        group = group_of(code)
        return f"{TYPOLOGY_GROUPS[group]}: {term}" if group else term
    if (term := TYPOLOGY_GROUPS.get(code)) is not None:
        return f"{term} (group {code})"
    return f"unknown type {clean(code, 10).strip()}".rstrip()
