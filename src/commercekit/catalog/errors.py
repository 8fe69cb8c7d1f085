"""What the catalogue refuses."""

from __future__ import annotations

from commercekit.errors import Conflict, Malformed, NotFound, Unprocessable

__all__ = [
    "AttributeInUse",
    "AttributeNotFound",
    "AttributeTaken",
    "BrandInUse",
    "BrandNotFound",
    "BulkRunNotFound",
    "CategoryInUse",
    "CategoryNotFound",
    "ImportFileUnreadable",
    "MediaInUse",
    "MediaNotFound",
    "ProductNotFound",
    "ProductRefused",
    "SkuTaken",
    "SlugTaken",
    "StaleVersion",
    "VariantNotFound",
]


class ProductNotFound(NotFound):
    """No product of that id or slug, or none that is shown."""

    slug = "product-not-found"
    title = "No such product"
    title_zh = "没有该商品"


class VariantNotFound(NotFound):
    """No variant of that id or SKU."""

    slug = "variant-not-found"
    title = "No such variant"
    title_zh = "没有该规格"


class BrandNotFound(NotFound):
    """No brand of that id or slug."""

    slug = "brand-not-found"
    title = "No such brand"
    title_zh = "没有该品牌"


class CategoryNotFound(NotFound):
    """No category of that id or slug."""

    slug = "category-not-found"
    title = "No such category"
    title_zh = "没有该分类"


class MediaNotFound(NotFound):
    """No uploaded picture of that id."""

    slug = "media-not-found"
    title = "No such picture"
    title_zh = "没有该图片"


class MediaInUse(Conflict):
    """A product or a brand shows it."""

    slug = "media-in-use"
    title = "Picture in use"
    title_zh = "图片正在使用"


class AttributeNotFound(NotFound):
    """No attribute of that id."""

    slug = "attribute-not-found"
    title = "No such attribute"
    title_zh = "没有该属性"


class AttributeTaken(Conflict):
    """Products of the type have an attribute of that code already."""

    slug = "attribute-taken"
    title = "Attribute taken"
    title_zh = "属性已存在"


class AttributeInUse(Conflict):
    """Products have values of it, or the choice that would go."""

    slug = "attribute-in-use"
    title = "Attribute in use"
    title_zh = "属性正在使用"


class BulkRunNotFound(NotFound):
    """No change of many products of that id."""

    slug = "bulk-run-not-found"
    title = "No such bulk change"
    title_zh = "没有该批量修改"


class SlugTaken(Conflict):
    """Another one has this address already."""

    slug = "slug-taken"
    title = "Slug taken"
    title_zh = "网址标识已被占用"


class SkuTaken(Conflict):
    """Another variant has this SKU already."""

    slug = "sku-taken"
    title = "SKU taken"
    title_zh = "SKU 已被占用"


class BrandInUse(Conflict):
    """Products still have the brand."""

    slug = "brand-in-use"
    title = "Brand in use"
    title_zh = "品牌正在使用"


class CategoryInUse(Conflict):
    """Categories still hang below it."""

    slug = "category-in-use"
    title = "Category in use"
    title_zh = "分类正在使用"


class StaleVersion(Conflict):
    """Somebody changed it between reading and writing; read again."""

    slug = "stale-version"
    title = "Changed meanwhile"
    title_zh = "内容已被他人修改"


class ProductRefused(Unprocessable):
    """Values that do not make a product; ``errors`` says which and why."""

    slug = "product-refused"
    title = "Not a sellable product"
    title_zh = "商品内容不符合要求"


class ImportFileUnreadable(Malformed):
    """The file as a whole cannot be read: not CSV, not UTF-8, no header, or too large."""

    slug = "import-file-unreadable"
    title = "File not readable"
    title_zh = "无法读取文件"
