"""How columns are called in the wild: names in English, German, French, Spanish and Chinese.

The earlier a name stands in its list, the surer it is. They are compared without case, accents,
spaces and signs: "Kunden-Nr.", "KundenNr" and "kunden_nr" are one.
"""

from __future__ import annotations

import re
import unicodedata

_CUSTOMER = """
    customer id, customer no, customer number, customer nr, customer code, customer key, cust id,
    cust no, cust number, cust nr, cust code, client no, client number, client code, member no,
    user no, uid,
    client id, account id, account number, household id, household key, member id, membership number,
    user id, buyer id, shopper id, consumer id, reseller key, reseller id, dealer id, loyalty card,
    customer, client, account, buyer, kundennummer, kunden nr, kunden id, kundennr,
    kdnr, kunde, debitor, debitorennummer, numero client, no client, code client, id client,
    identifiant client, numero cliente, no cliente, codigo cliente, id cliente, cliente,
    客户编号, 客户号, 客户代码, 客户编码, 客户id, 顾客编号, 会员编号, 会员号, 会员卡号, 会员id, 用户编号, 用户id,
    买家id, 客户, 顾客, 会员, 用户, 买家, 账号, cust, user, member, shopper, subscriber, guest,
    mitgliedsnummer, mitglied, adherent, usuario, socio, user name, username, 用户名, customer name,
    client name, 客户名称"""
_PRODUCT = """
    product id, product key, product code, product no, product number, sku, item id, item no,
    item number, item code, stock code, article id, article number, article, upc, ean, isbn, product,
    item, prod id, prod code, prod no, prod, artikelnummer, artikel nr, artikel id, art nr, artikel, produktnummer, produkt,
    code produit, id produit, ref produit, reference article, code article, reference, produit,
    codigo producto, id producto, producto, articulo, 商品编号, 产品编号, 商品编码, 产品编码, 商品id,
    产品id, 商品代码, 产品代码, 货号, 商品, 产品"""
_REP = """
    sales rep, sales rep id, rep id, salesperson, sales person, employee key, employee id, seller,
    agent, account manager, verkaufer, vertreter, aussendienst, mitarbeiter, vendeur, commercial,
    vendedor, comercial, 销售员, 业务员, 销售代表, 客户经理, 导购"""
_CAMPAIGN = """
    campaign id, campaign key, campaign, promotion key, promotion id, promo code, kampagne, aktion,
    campagne, campana, 活动编号, 活动, 营销活动, 促销活动"""
_CHANNEL = (
    "channel, sales channel, kanal, vertriebskanal, canal, canal de vente, 渠道, 销售渠道, 平台"
)
_REGION = """
    region, country, state, province, city, sales territory key, geography key, land, bundesland,
    stadt, ort, pays, ville, departement, pais, ciudad, provincia, 地区, 区域, 省份, 城市, 国家"""

NAMES: dict[str, dict[str, str]] = {
    "lines": {
        "customer_id": _CUSTOMER,
        "order_id": """
            order id, order no, order number, order nr, invoice no, invoice number, invoice id,
            invoice, basket id, basket, transaction id, transaction number, sales order number,
            receipt id, receipt number, receipt no, receipt, ticket id, ticket, order, order ref,
            order reference, order code, order key, ord id, ord no, ord number, ord, txn id, txn no,
            txn, trans id, trans no, trans, transaction, purchase id, sale id, bill no, bill number,
            bill, bestellnummer, bestell nr,
            auftragsnummer, auftrags nr, rechnungsnummer, rechnungs nr, belegnummer, beleg nr,
            bonnummer, bon nr, bestellung, auftrag, rechnung, beleg, numero commande, no commande,
            id commande, commande, numero facture, no facture, facture, ticket de caisse,
            numero pedido, id pedido, pedido, numero factura, factura, 订单编号, 订单号, 订单id, 单号,
            交易号, 交易编号, 发票号, 流水号, 小票号, 订单""",
        "ordered_at": """
            order date, ordered at, order timestamp, order time, invoice date, transaction timestamp,
            transaction date, transaction time, purchase date, purchased at, sales date, sale date,
            date, datetime, timestamp, day, created at, ord date, order dt, date ordered, txn date,
            trans date, sold at, sold on, purchase time, sale time, bestelldatum, auftragsdatum, rechnungsdatum,
            belegdatum, kaufdatum, datum, date commande, date de commande, date facture, date achat,
            date vente, fecha pedido, fecha factura, fecha compra, fecha venta, fecha,
            下单时间, 下单日期, 订单日期, 订单时间, 交易时间, 交易日期, 销售日期, 购买日期, 付款时间, 日期, 时间""",
        "amount": """
            net amount, net sales, net revenue, line total, line amount, sales amount, sales value,
            amount, revenue, sales, total amount, total price, dollar value, turnover, subtotal,
            total, value, gross amount, amt, net amt, line amt, total amt, order total, order amount,
            order value, net total, net value, price paid, amount paid, spend, nettobetrag, nettoumsatz, umsatz, betrag, positionsbetrag,
            gesamtpreis, gesamtbetrag, summe, gesamt, wert, montant ht, montant net, montant,
            total ht, chiffre d affaires, ca ht, prix total, total ttc, importe neto, importe, monto,
            ventas, valor, 实付金额, 成交金额, 销售金额, 销售额, 订单金额, 实收金额, 金额, 总价, 总金额, 合计""",
        "quantity": """
            quantity, qty, order quantity, order qty, units, unit count, number of items, items,
            number of cds, pieces, menge, anzahl, stuckzahl, stuck, quantite, qte, nombre, cantidad,
            unidades, 数量, 件数, 销量, 购买数量, 销售数量""",
        "product_id": _PRODUCT,
        "discount": """
            discount amount, discount, rebate, retail disc, markdown, coupon disc, rabatt,
            rabattbetrag, nachlass, remise, reduction, rabais, descuento, 优惠金额, 折扣金额, 折扣, 优惠,
            减免""",
        "cost": """
            total product cost, total cost, cost of goods, cogs, cost amount, cost, wareneinsatz,
            einstandswert, kosten, cout total, cout de revient, cout, coste, costo, 成本, 成本金额,
            总成本""",
        "channel": _CHANNEL,
        "place": "store id, store, shop id, shop, branch, outlet, location, filiale, markt, magasin, "
        "boutique, tienda, sucursal, 门店, 店铺, 分店," + _REGION,
        "rep_id": _REP,
        "campaign_id": _CAMPAIGN,
    },
    "customers": {
        "customer_id": _CUSTOMER,
        "name": """
            customer name, company name, account name, reseller name, company, full name, name,
            kundenname, firma, firmenname, nom client, raison sociale, nom, nombre cliente,
            razon social, nombre, 客户名称, 公司名称, 客户姓名, 姓名, 名称""",
        "acquired_on": """
            acquired on, customer since, date first purchase, first order date, registered on,
            registration date, signup date, join date, date joined, created at, kunde seit,
            registrierungsdatum, anmeldedatum, client depuis, date inscription, cliente desde,
            fecha alta, fecha registro, 注册日期, 注册时间, 入会日期, 开户日期, 建档日期""",
        "source": "source, acquisition source, lead source, referrer, herkunft, quelle, origine, "
        "origen, 来源, 客户来源",
        "acquisition_cost": "acquisition cost, cac, akquisekosten, cout acquisition, 获客成本",
        "industry": "industry, business type, sector, vertical, branche, secteur, rubro, 行业",
        "market": "market, main market, markt, marche, mercado, 市场",
        "brand_tier": "brand tier, brand level, 品牌等级",
        "size": "company size, size, number employees, employees, mitarbeiterzahl, grosse, taille, "
        "tamano, 规模, 公司规模",
        "region": _REGION,
    },
    "products": {
        "product_id": _PRODUCT,
        "name": """
            product name, item name, english product name, description, product description, title,
            product type, name, produktname, artikelname, artikelbezeichnung, bezeichnung,
            nom produit, designation, libelle, nombre producto, descripcion, 商品名称, 产品名称, 品名,
            名称""",
        "category": """
            product category, category, category name, department, product group, product line,
            family, warengruppe, produktgruppe, kategorie, categorie, rayon, famille, categoria,
            familia, 商品类别, 产品类别, 商品分类, 类别, 分类, 品类, 大类""",
        "subcategory": """
            product subcategory, subcategory, sub category, product subcategory key, unterkategorie,
            sous categorie, subcategoria, 子类别, 小类, 中类, 二级分类""",
        "launched_on": "launch date, launched on, start date, introduced on, einfuhrungsdatum, "
        "date lancement, fecha lanzamiento, 上市日期, 上架日期, 上架时间",
        "list_price": """
            list price, retail price, msrp, price, unit price, listenpreis, verkaufspreis, preis,
            prix catalogue, prix, precio lista, precio, 标价, 零售价, 价格, 单价""",
    },
    "contacts": {
        "customer_id": _CUSTOMER,
        "at": """
            contact date, contacted at, opened at, created at, call date, survey date, ticket date,
            visit date, date, timestamp, kontaktdatum, datum, date contact, date, fecha contacto,
            fecha, 联系日期, 联系时间, 投诉日期, 创建时间, 日期, 时间""",
        "kind": """
            contact type, contact kind, kind, ticket type, interaction type, type, kontaktart, art,
            typ, type contact, motif, tipo, 联系类型, 类型, 投诉类型""",
        "channel": _CHANNEL,
        "product_id": _PRODUCT,
        "reason": "reason, subject, topic, issue, grund, betreff, thema, raison, sujet, motivo, "
        "asunto, 原因, 主题, 投诉原因",
        "score": "score, rating, nps, csat, satisfaction, bewertung, note, puntuacion, 评分, 满意度, 得分",
        "resolved_at": "resolved at, closed at, resolution date, erledigt am, gelost am, resolu le, "
        "resuelto, 解决时间, 关闭时间, 处理时间",
        "department": "department, team, abteilung, service, departamento, 部门",
        "rep_id": _REP,
    },
}  # fmt: skip
"""Canonical table → column → what raw columns for it are called, surest first."""

UNIT_PRICE = """
    unit price, price per unit, item price, price, einzelpreis, stuckpreis, preis, prix unitaire, pu,
    prix, precio unitario, precio, 单价, 价格, 售价"""
UNIT_COST = """
    unit cost, product standard cost, standard cost, cost price, einkaufspreis, stuckkosten,
    cout unitaire, prix achat, coste unitario, 单位成本, 进价, 进货价"""
PROFIT = """
    profit, gross profit, profit amount, line profit, net profit, operating profit, margin amount,
    gross margin, margin, contribution, gewinn, rohgewinn, rohertrag, deckungsbeitrag, db, marge,
    ertrag, benefice, marge brute, profit brut, resultat, beneficio, ganancia, utilidad, margen, lucro,
    利润, 毛利, 毛利润, 净利润, 利润额, 毛利额"""
"""What an amount leaves after its cost."""
DISCOUNT_RATE = """
    discount rate, discount pct, discount percent, discount percentage, unit price discount pct,
    rabattsatz, rabatt prozent, rabatt in prozent, taux remise, taux de remise, remise pct,
    tasa descuento, descuento porcentaje, 折扣率, 优惠率"""
CURRENCY = "currency, currency code, wahrung, devise, monnaie, moneda, divisa, 币种, 货币"
EMAIL = """
    email, e mail, email address, e mail address, mail address, mail, customer email, courriel,
    correo, correo electronico, adresse mail, e mail adresse, mailadresse, 邮箱, 电子邮箱, 邮件"""
"""A person's address: a customer's key where there is no number."""
PERSON = """
    customer name, client name, full name, user name, kundenname, nom client, nombre cliente,
    客户名称, 客户姓名, 姓名"""
"""What a customer is called: a key only where there is neither a number nor an address."""
PERSONAL = f"""
    {EMAIL.strip()}, {PERSON.strip()}, contact name,
    name, first name, last name, surname, phone, mobile,
    telephone, fax, address, address line, street, zip, postal code, birth date, date of birth,
    birthday, vorname, nachname, strasse, plz, telefon, geburtsdatum, prenom, nom, adresse, courriel,
    apellido, direccion, telefono, correo, 姓名, 手机, 电话, 邮箱, 地址, 生日, 身份证"""
"""Columns about a person: never proposed as an attribute of customers."""

_NOT = {
    "ordered_at": "due ship shipped shipping delivery delivered birth lieferdatum lieferung livraison "
    "entrega update updated modified 发货 到货 生日 更新",
    "amount": "tax vat freight shipping unit mwst steuer versand tva impuesto 税 运费 单",
    "quantity": "stock lager bestand 库存",
    "order_id": "date datum line position item quantity qty amount status type 日期 时间 金额 数量 状态",
    "customer_id": "po type group segment 类型 等级",
    "email": "opt newsletter consent status store shop rep sales seller agent 门店 销售",
    "product_id": "category name line type cost price quantity 名称 类别 数量",
    "cost": "unit standard shipping",
    "profit": "margin marge pct percent percentage rate ratio prozent quote center centre unit per taux tasa 率 单位",
    "discount": "pct percent rate % prozent quote 率",
}
"""Words that turn a name into something else: a ship date is no order date."""


def folded(name: str) -> str:
    """The name without case, accents, spaces and signs; "CustomerID" and "customer_id" are one."""
    return "".join(words(name))


def words(name: str) -> list[str]:
    """The words of a name, split at signs and at capitals: "UnitPrice" has two."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return re.findall(r"[^\W_]+", split.lower())


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.replace("\n", " ").split(",") if name.strip()]


def likeness(raw: str, names: str, column: str = "") -> float:
    """How surely a raw column of this name is meant by `names`: 1 = the first of them, 0 = not at all."""
    parts, whole = words(raw), folded(raw)
    excluded = _NOT.get(column, "").split()
    best = 0.0
    for place, name in enumerate(_listed(names)):
        wanted, compact = words(name), folded(name)
        if compact == whole:
            found = 1.0
        elif any(word in parts or (not word.isascii() and word in whole) for word in excluded):
            continue
        elif set(wanted) <= set(parts):
            found = 0.75 * len(wanted) / len(parts) + 0.1
        elif len(compact) >= (5 if compact.isascii() else 2) and compact in whole:
            found = 0.7 * len(compact) / len(whole)
        else:
            continue
        best = max(best, found - 0.0015 * place)
    return best


def is_named(raw: str, names: str) -> bool:
    """Is the raw column called by one of `names`, more or less?"""
    return likeness(raw, names) >= 0.5
